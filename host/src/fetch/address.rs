//! The address of a document.

use hyper::Uri;
use std::fmt;
use std::net::IpAddr;

/// An address of a document: `https://`, or `http://` on this machine. Its query
/// may contain a secret and is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Uri);

impl Address {
    /// Parses an address. Makes no request.
    ///
    /// # Errors
    /// Why it is invalid, without repeating it.
    pub fn parse(text: &str) -> Result<Address, String> {
        let uri: Uri = text.parse().map_err(|_| EXPECTED)?;
        let authority = uri.authority().ok_or(EXPECTED)?;
        if authority.as_str().contains('@') {
            return Err("the address must not contain a user or a password".into());
        }
        match uri.scheme_str() {
            Some("https") => Ok(Address(uri)),
            Some("http") if is_here(authority.host()) => Ok(Address(uri)),
            Some("http") => Err(
                "http:// is allowed only for localhost and loopback addresses, since anyone on \
                 the network path could replace the document: use https://"
                    .into(),
            ),
            _ => Err(EXPECTED.into()),
        }
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.0
    }

    /// Whether TLS authenticates the server.
    pub fn is_https(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }
}

const EXPECTED: &str = "expected https://host/path";

fn is_here(host: &str) -> bool {
    let ip = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = ip.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    loopback || host.eq_ignore_ascii_case("localhost")
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.scheme_str().unwrap_or_default();
        let authority = self.0.authority().map_or("", |a| a.as_str());
        write!(f, "{scheme}://{authority}{}", self.0.path())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_is_allowed_anywhere_and_http_only_on_this_machine() {
        for good in [
            "https://issuer.example/keys",
            "HTTPS://issuer.example:8443/a?b=c",
            "https://issuer.example",
            "http://localhost:8080/keys",
            "http://127.0.0.1/keys",
            "http://127.9.9.9:1/keys",
            "http://[::1]:8080/keys",
        ] {
            assert!(Address::parse(good).is_ok(), "{good}");
        }
        for (bad, says) in [
            ("http://issuer.example/keys", "use https://"),
            ("http://localhost.example/keys", "use https://"),
            ("http://10.0.0.1/keys", "use https://"),
            ("http://0.0.0.0/keys", "use https://"),
            ("https://ada:hunter2@issuer.example/", "user or a password"),
            ("ftp://issuer.example/", "expected https://"),
            ("https:///keys", "expected https://"),
            ("/keys?hunter2", "expected https://"),
            ("https://a b/", "expected https://"),
            ("", "expected https://"),
        ] {
            let why = Address::parse(bad).unwrap_err();
            assert!(why.contains(says) && !why.contains("hunter2"), "{why}");
        }
    }

    #[test]
    fn a_query_is_not_shown() {
        let address = Address::parse("https://issuer.example/keys?key=hunter2").unwrap();
        assert_eq!(
            format!("{address} {address:?}"),
            "https://issuer.example/keys https://issuer.example/keys"
        );
        assert_eq!(address.uri().query(), Some("key=hunter2"));
    }
}
