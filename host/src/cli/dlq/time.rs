//! Times as people write them, and as they read them.

use jiff::{SpanRelativeTo, Timestamp, Unit};

/// Milliseconds since 1970-01-01 UTC of a time (RFC 3339), or of so long ago.
pub(super) fn parse(text: &str) -> Result<i64, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_millisecond());
    }
    let ago = text
        .parse::<jiff::Span>()
        .ok()
        .filter(|span| !span.is_negative());
    let ago = ago.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    let then = ago.and_then(|ago| Timestamp::now().checked_sub(ago).ok());
    then.map(Timestamp::as_millisecond).ok_or_else(|| {
        "expected a time such as 2026-11-21T08:30:00Z, or how long ago: 10m, 2h, 3d".into()
    })
}

/// To the second, for tables.
pub(super) fn short(millis: i64) -> String {
    written(millis, Unit::Second)
}

/// To the millisecond.
pub(super) fn long(millis: i64) -> String {
    written(millis, Unit::Millisecond)
}

fn written(millis: i64, unit: Unit) -> String {
    let time = Timestamp::from_millisecond(millis)
        .ok()
        .filter(|_| millis >= 0);
    let Some(time) = time else { return "-".into() };
    let precision = if unit == Unit::Second { 0 } else { 3 };
    format!("{time:.precision$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_one_of_a_day_or_so_long_ago() {
        assert_eq!(parse("1970-01-01T00:00:01Z"), Ok(1000));
        assert_eq!(parse("1970-01-01T01:00:01.5+01:00"), Ok(1500));
        let now = Timestamp::now().as_millisecond();
        for (text, seconds) in [
            ("10m", 600),
            ("2h", 7200),
            ("1d", 86_400),
            ("90s", 90),
            ("1w", 604_800),
        ] {
            let ago = now - parse(text).unwrap();
            assert!((ago - seconds * 1000).abs() < 5000, "{text}: {ago}");
        }
        for wrong in ["", "yesterday", "-10m", "10", "2026-11-21"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(short(1_795_248_000_123), "2026-11-21T08:00:00Z");
        assert_eq!(long(1_795_248_000_123), "2026-11-21T08:00:00.123Z");
        assert_eq!(short(-1), "-", "Kafka has none");
    }
}
