//! Times, as users write them.

use jiff::{SpanRelativeTo, Timestamp};

/// Milliseconds since 1970-01-01 UTC of a time such as `2026-11-21T08:30:00Z`
/// or `2026-11-21T08:30:00.250+01:00` (RFC 3339); `None` for anything else,
/// also for a time without its offset from UTC.
pub(super) fn millis(text: &str) -> Option<i64> {
    let time: Timestamp = text.parse().ok()?;
    Some(time.as_millisecond())
}

/// Like [`millis`], and also takes an age: `10m`, `1h30m`, `7d`.
pub(super) fn since(text: &str) -> Result<i64, String> {
    if let Some(millis) = millis(text) {
        return Ok(millis);
    }
    let ago = text.parse::<jiff::Span>().ok();
    let ago = ago.and_then(|ago| ago.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    let ago = ago.filter(|ago| !ago.is_negative());
    ago.and_then(|ago| Timestamp::now().checked_sub(ago).ok())
        .map(Timestamp::as_millisecond)
        .ok_or_else(|| {
            "expected a time such as 2026-11-21T08:30:00Z, or an age such as 10m or 7d".into()
        })
}

/// A span of time such as `30s` or `5m`.
pub(super) fn span(text: &str) -> Result<std::time::Duration, String> {
    let span = text.parse::<jiff::Span>().ok();
    let span = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    let span = span.and_then(|span| std::time::Duration::try_from(span).ok());
    span.ok_or_else(|| "expected a time such as 30s or 5m".into())
}

/// A time in RFC 3339, in UTC and to the second, for tables; `-` if Kafka has
/// no time.
pub(super) fn short(millis: i64) -> String {
    written(millis, 0)
}

/// Like [`short`], to the millisecond.
pub(super) fn long(millis: i64) -> String {
    written(millis, 3)
}

fn written(millis: i64, precision: usize) -> String {
    match Timestamp::from_millisecond(millis) {
        Ok(time) if millis >= 0 => format!("{time:.precision$}"),
        _ => "-".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_from_1970() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2026-11-21T08:30:00+01:00", 1_795_246_200),
            ("2100-03-01T00:00:00Z", 4_107_542_400),
            ("1969-12-31T23:59:59Z", -1),
        ] {
            assert_eq!(millis(text), Some(seconds * 1000), "{text}");
        }
        assert_eq!(millis("1970-01-01T00:00:00.25Z"), Some(250));
        assert_eq!(millis("1970-01-01T00:00:00"), None, "no offset from UTC");
    }

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(short(1_795_248_000_123), "2026-11-21T08:00:00Z");
        assert_eq!(long(1_795_248_000_123), "2026-11-21T08:00:00.123Z");
        assert_eq!(long(951_825_600_250), "2000-02-29T12:00:00.250Z");
        assert_eq!(short(-1), "-", "Kafka has none");
    }

    #[test]
    fn an_age_is_a_time_too() {
        let now = Timestamp::now().as_millisecond();
        for (text, millis) in [
            ("10m", 600_000),
            ("1h30m", 5_400_000),
            ("7d", 604_800_000),
            ("500ms", 500),
        ] {
            let found = since(text).expect(text);
            assert!(
                (now - millis..now - millis + 60_000).contains(&found),
                "{text}"
            );
        }
        for wrong in ["", "10", "yesterday", "-10m", "2026-11-21"] {
            assert!(since(wrong).is_err() && span(wrong).is_err(), "{wrong}");
        }
        assert_eq!(span("1m30s"), Ok(std::time::Duration::from_secs(90)));
    }
}
