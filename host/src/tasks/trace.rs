//! Trace context (<https://www.w3.org/TR/trace-context/>).

use crate::http::header::HeaderMap;
use uuid::Uuid;

/// The longest `tracestate` that is passed on, in bytes: the least that the
/// specification requires.
const STATE_MAX: usize = 512;

/// `traceparent`, and `tracestate` if there is one: the caller's, or a new
/// trace.
pub(super) fn context(headers: &HeaderMap) -> (String, Option<String>) {
    let given = headers.get("traceparent").and_then(|v| v.to_str().ok());
    let Some(parent) = given.filter(|given| is_parent(given)) else {
        return (new(), None);
    };
    // Several headers form one list.
    let states = headers.get_all("tracestate").iter();
    let states: Vec<&str> = states.filter_map(|v| v.to_str().ok()).collect();
    let state = states.join(",");
    let fits = (1..=STATE_MAX).contains(&state.len());
    (parent.to_owned(), fits.then_some(state))
}

/// Version 00 as specified; later versions may have more fields.
fn is_parent(given: &str) -> bool {
    let parts: Vec<&str> = given.split('-').collect();
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let [version, trace, span, flags, ref more @ ..] = parts[..] else {
        return false;
    };
    let zero = |part: &str| part.bytes().all(|b| b == b'0');
    let known = hex(version, 2) && version != "ff" && (more.is_empty() || version != "00");
    let ids = hex(trace, 32) && hex(span, 16) && !zero(trace) && !zero(span);
    known && ids && hex(flags, 2) && given.len() <= STATE_MAX
}

fn new() -> String {
    let (trace, span) = (Uuid::new_v4().simple(), Uuid::new_v4().simple().to_string());
    // The first half of a random UUID contains its version, so it is not zero.
    format!("00-{trace}-{}-00", &span[..16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::header::HeaderValue;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(of: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in of {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_callers_trace_is_continued() {
        let given = [
            ("traceparent", PARENT),
            ("tracestate", "a=1"),
            ("tracestate", "b=2"),
        ];
        let (parent, state) = context(&headers(&given));
        assert_eq!((&*parent, state.as_deref()), (PARENT, Some("a=1,b=2")));
    }

    #[test]
    fn an_invalid_trace_is_replaced_by_a_new_one() {
        let long = format!("cc{}-{}", &PARENT[2..], "x".repeat(600));
        for bad in [
            "",
            "x",
            &PARENT.to_uppercase(),
            &format!("{PARENT}-more"),
            &PARENT.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &format!("ff{}", &PARENT[2..]),
            &long,
        ] {
            let (parent, state) = context(&headers(&[("traceparent", bad), ("tracestate", "a=1")]));
            assert!(is_parent(&parent) && parent != bad, "{bad}: {parent}");
            assert_eq!(state, None);
        }
        assert!(is_parent(&format!("cc{}-more", &PARENT[2..])));
        assert_ne!(new(), new());
    }
}
