//! Origins, as a browser writes them in its `Origin` header (RFC 6454, section
//! 6.2). They are compared as text, so another spelling would silently never
//! match.

/// Checks an origin; the error says how to write it.
pub(super) fn check(text: &str) -> Result<(), String> {
    if text == "*" {
        return Err(
            "`*` would let any page read with its visitor's cookie: list the \
                    origins, for example https://app.example.com"
                .into(),
        );
    }
    let shown = text.escape_debug();
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(format!(
            "invalid origin `{shown}` without a scheme: write https://app.example.com, with a port \
             if it has one"
        ));
    };
    if rest.len() > 1 && rest.ends_with('/') {
        let shown = shown.to_string();
        let without = shown.trim_end_matches('/');
        return Err(format!("an origin has no path: write `{without}`"));
    }
    let (host, port) = match rest.rsplit_once(':') {
        // The last colon of an IPv6 address is inside its brackets.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    let default = match scheme {
        "http" => Some("80"),
        "https" => Some("443"),
        _ => None,
    };
    if port.is_some() && port == default {
        return Err(format!(
            "browsers omit the default port of the scheme: write `{scheme}://{host}`"
        ));
    }
    if is_scheme(scheme) && is_host(host) && port.is_none_or(is_port) {
        return Ok(());
    }
    Err(format!(
        "invalid origin `{shown}`: write it as a browser does, such as https://app.example.com: \
         lower case, a host in ASCII, a port if it has one, and nothing more"
    ))
}

fn is_scheme(text: &str) -> bool {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+.-".contains(&b);
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(legal)
}

fn is_host(text: &str) -> bool {
    if let Some(address) = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
    {
        let parsed = address.parse::<std::net::Ipv6Addr>();
        return parsed.is_ok_and(|parsed| parsed.to_string() == address);
    }
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    !text.is_empty() && text.bytes().all(legal)
}

fn is_port(text: &str) -> bool {
    // Without leading zeros or a sign.
    text.parse::<u16>()
        .is_ok_and(|port| port > 0 && port.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn an_origin_must_be_written_as_a_browser_writes_it() {
        for good in [
            "https://app.example.com",
            "http://localhost:3000",
            "http://127.0.0.1:8080",
            "http://[::1]:3000",
            "https://[2001:db8::1]",
            "https://xn--bcher-kva.example",
            "capacitor://localhost",
            "chrome-extension://abcdef",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, says) in [
            ("*", "visitor's cookie"),
            ("null", "invalid origin `null` without a scheme"),
            ("app.example.com", "without a scheme"),
            ("//app.example.com", "without a scheme"),
            (
                "https://app.example.com/",
                "write `https://app.example.com`",
            ),
            ("https://app.example.com/x", "nothing more"),
            ("https://app.example.com?x", "nothing more"),
            ("https://user@app.example.com", "nothing more"),
            ("https://*.example.com", "nothing more"),
            ("https://App.example.com", "lower case"),
            ("HTTPS://app.example.com", "lower case"),
            ("https://bücher.example", "ASCII"),
            ("https://", "nothing more"),
            ("https://:3000", "nothing more"),
            (
                "https://app.example.com:443",
                "write `https://app.example.com`",
            ),
            ("http://localhost:80", "write `http://localhost`"),
            ("http://localhost:", "nothing more"),
            ("http://localhost:0", "nothing more"),
            ("http://localhost:08", "nothing more"),
            ("http://localhost:+8", "nothing more"),
            ("http://localhost:99999", "nothing more"),
            ("http://[::0001]", "nothing more"),
            ("https://a\nb", "nothing more"),
            ("https://a b", "nothing more"),
        ] {
            let error = check(bad).expect_err(bad);
            assert!(error.contains(says), "{bad:?}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
