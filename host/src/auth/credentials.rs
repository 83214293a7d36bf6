//! The places of a token in a request.

use super::refused::Refused;
use percent_encoding::percent_decode_str;

/// The credentials of a request, as received.
#[derive(Clone, Default)]
pub struct Credentials<'a> {
    /// The values of its `Authorization` headers.
    pub authorization: Vec<&'a [u8]>,
    /// The values of its `Cookie` headers; HTTP/2 may send several.
    pub cookies: Vec<&'a [u8]>,
    /// Its query as in the URL, without the `?`.
    pub query: &'a str,
}

/// Common names of a token in a URL (RFC 6750, section 2.3, and habit).
const IN_QUERY: [&str; 3] = ["access_token", "token", "jwt"];

impl<'a> Credentials<'a> {
    /// The token in `Authorization: Bearer`, otherwise in the cookie.
    pub(super) fn token(&self, cookie: &str) -> Result<&'a [u8], Refused> {
        match self.bearer()? {
            Some(token) => Ok(token),
            // Another scheme is for a gateway in front of Millstream.
            None => self.cookie(cookie),
        }
    }

    /// The token of `Authorization: Bearer`, if there is one.
    pub(super) fn bearer(&self) -> Result<Option<&'a [u8]>, Refused> {
        match self.authorization[..] {
            [] => Ok(None),
            [one] => Ok(bearer(one)),
            _ => Err(Refused::token("more than one Authorization header")),
        }
    }

    fn cookie(&self, name: &str) -> Result<&'a [u8], Refused> {
        let pairs = self
            .cookies
            .iter()
            .flat_map(|header| header.split(|b| *b == b';'));
        let mut values = pairs.filter_map(|pair| {
            let (key, value) = pair.split_at_checked(pair.iter().position(|b| *b == b'=')?)?;
            (key.trim_ascii() == name.as_bytes()).then(|| value[1..].trim_ascii())
        });
        match (values.next(), values.next()) {
            (None, _) => Err(Refused::no_token()),
            (Some(token), None) => Ok(token),
            // A sibling domain may have set one of them.
            (Some(_), Some(_)) => Err(Refused::token("more than one cookie with the token's name")),
        }
    }

    /// Refuses a token in the URL: URLs end up in logs, histories and referrers.
    pub(super) fn none_in_query(&self) -> Result<(), Refused> {
        let names = self.query.split('&').map(|pair| pair.split('=').next());
        let is_token = |name: &str| {
            let name = percent_decode_str(name).decode_utf8_lossy();
            IN_QUERY
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
        };
        if names.flatten().any(is_token) {
            return Err(Refused::misplaced(
                "a token in the URL is not accepted, since URLs end up in logs: send it as \
                 Authorization: Bearer or in the cookie, and treat this one as known to others",
            ));
        }
        Ok(())
    }
}

/// The scheme's name may be written in any case (RFC 9110, section 11.1).
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked(b"Bearer".len())?;
    let is = scheme.eq_ignore_ascii_case(b"Bearer");
    // "Bearer" alone has an empty token, which is invalid.
    let ends = token.first().is_none_or(|b| *b == b' ');
    (is && ends).then(|| token.trim_ascii())
}
