//! Dates and times of text: what [`time`](super::time) writes is read, and what else ISO 8601 and
//! RFC 3339 have.

use super::fault::Fault;
use super::time::Unit;
use jiff::civil::{Date, Time};
use jiff::fmt::temporal::Pieces;

/// Days since 1970-01-01.
pub(super) fn days(text: &str) -> Result<i32, Fault> {
    let date: Date = text
        .parse()
        .map_err(|_| wrong("a date", "2026-11-28", text))?;
    Ok(since(date))
}

/// Parts of a second since midnight.
pub(super) fn of_day(text: &str, unit: Unit) -> Result<i64, Fault> {
    let time: Time = text
        .parse()
        .map_err(|_| wrong("a time", "05:20:00.123", text))?;
    let since = time.duration_since(Time::midnight());
    parts(since.as_nanos(), unit, text)
}

/// Parts of a second since 1970-01-01; without a zone where the time is local to an unknown place.
pub(super) fn timestamp(text: &str, unit: Unit, is_local: bool) -> Result<i64, Fault> {
    parts(nanoseconds(text, is_local)?, unit, text)
}

/// Nanoseconds since 1970-01-01.
pub(super) fn nanoseconds(text: &str, is_local: bool) -> Result<i128, Fault> {
    let found = read(text, is_local);
    found.ok_or_else(|| match is_local {
        true => wrong("a local time", "2026-11-28T05:20:00.123", text),
        false => wrong("a time", "2026-11-28T05:20:00.123Z", text),
    })
}

fn read(text: &str, is_local: bool) -> Option<i128> {
    // Not the library's `Timestamp`, which lacks the last day of the year 9999.
    let pieces = Pieces::parse(text).ok()?;
    let offset = match (pieces.to_numeric_offset(), is_local) {
        (Some(offset), false) => offset.seconds(),
        (None, true) => 0,
        _ => return None,
    };
    let of_day = pieces.time()?.duration_since(Time::midnight()).as_nanos();
    let seconds = i128::from(since(pieces.date())) * 86_400 - i128::from(offset);
    Some(seconds * 1_000_000_000 + of_day)
}

/// Days from 1970-01-01. Dates of the library are a few million days apart.
fn since(date: Date) -> i32 {
    let span = Date::constant(1970, 1, 1).until(date);
    span.map_or(0, |span| span.get_days())
}

fn parts(nanos: i128, unit: Unit, text: &str) -> Result<i64, Fault> {
    let each = i128::from(1_000_000_000 / unit.per_second());
    match (nanos % each, i64::try_from(nanos / each)) {
        (0, Ok(parts)) => Ok(parts),
        (0, Err(_)) => Err(Fault::malformed(format!(
            "{text:?} is out of the type's range"
        ))),
        _ => Err(Fault::malformed(format!(
            "{text:?} has more than {} digits after the second, and the type has no more",
            unit.digits()
        ))),
    }
}

fn wrong(what: &str, example: &str, text: &str) -> Fault {
    let text: String = text.chars().take(40).collect();
    Fault::malformed(format!(
        "{what} such as {example:?} was expected, and {text:?} found"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::time;

    #[test]
    fn what_is_written_is_read() {
        for nanos in [
            0,
            1,
            -1,
            253_402_300_799_999_999_999,
            -62_135_596_800_000_000_000,
        ] {
            let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
            let (seconds, rest) = match rest < 0 {
                true => (seconds - 1, rest + 1_000_000_000),
                false => (seconds, rest),
            };
            let text = time::instant(seconds as i64, rest as u32);
            let text = std::str::from_utf8(text.as_bytes()).unwrap();
            assert_eq!(nanoseconds(text, false).unwrap(), nanos, "{text}");
        }
        for number in [0, -1, 1_795_843_200_123, 253_402_300_799_999] {
            for is_local in [true, false] {
                let text = time::timestamp(number, Unit::Millis, is_local);
                let text = std::str::from_utf8(text.as_bytes()).unwrap();
                assert_eq!(
                    timestamp(text, Unit::Millis, is_local).unwrap(),
                    number,
                    "{text}"
                );
            }
        }
        for number in [0, -719_162, 2_932_896, 20_000] {
            let text = time::date(number.into());
            assert_eq!(
                days(std::str::from_utf8(text.as_bytes()).unwrap()).unwrap(),
                number
            );
        }
        assert_eq!(
            of_day("23:59:59.999999", Unit::Micros).unwrap(),
            86_399_999_999
        );
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in [
            "",
            "now",
            "2026-11-28",
            "2026-11-28T05:20:00",
            "2026-02-30T05:20:00Z",
        ] {
            assert!(nanoseconds(text, false).is_err(), "{text}");
        }
        for text in ["2026-11-28T05:20:00Z", "2026-11-28T05:20:00+01:00"] {
            assert!(nanoseconds(text, true).is_err(), "{text}");
        }
    }
}
