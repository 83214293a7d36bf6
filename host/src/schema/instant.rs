//! Dates and times of text: what [`time`](super::time) writes is read, whatever its year, and what
//! else RFC 3339 has.

use super::fault::Fault;
use super::time::Unit;

/// Seconds of a day.
const DAY: i128 = 86_400;
const NANOS: i128 = 1_000_000_000;

/// Days since 1970-01-01.
pub(super) fn days(text: &str) -> Result<i32, Fault> {
    let mut reading = Reading(text.as_bytes());
    let days = reading.date().filter(|_| reading.0.is_empty());
    let days = days.and_then(|days| i32::try_from(days).ok());
    days.ok_or_else(|| wrong("a date", "2026-11-28", text))
}

/// Parts of a second since midnight.
pub(super) fn of_day(text: &str, unit: Unit) -> Result<i64, Fault> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let mut reading = Reading(rest.as_bytes());
    let nanos = reading.time(usize::MAX).filter(|_| reading.0.is_empty());
    let nanos = nanos.ok_or_else(|| wrong("a time of day", "05:20:00.123", text))?;
    parts(sign * nanos, unit, text)
}

/// Parts of a second since 1970-01-01; without a zone where the time is local to an unknown place.
pub(super) fn timestamp(text: &str, unit: Unit, is_local: bool) -> Result<i64, Fault> {
    parts(nanoseconds(text, is_local)?, unit, text)
}

/// Nanoseconds since 1970-01-01.
pub(super) fn nanoseconds(text: &str, is_local: bool) -> Result<i128, Fault> {
    let found = Reading(text.as_bytes()).timestamp(is_local);
    found.ok_or_else(|| match is_local {
        true => wrong("a local time", "2026-11-28T05:20:00.123", text),
        false => wrong("a time", "2026-11-28T05:20:00.123Z", text),
    })
}

fn parts(nanos: i128, unit: Unit, text: &str) -> Result<i64, Fault> {
    let each = NANOS / i128::from(unit.per_second());
    let shown = shown(text);
    match (nanos % each, i64::try_from(nanos / each)) {
        (0, Ok(parts)) => Ok(parts),
        (0, Err(_)) => Err(Fault::malformed(format!(
            "{shown:?} is out of the type's range"
        ))),
        _ => Err(Fault::malformed(format!(
            "{shown:?} has more than {} digits after the second, and the type has no more",
            unit.digits()
        ))),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

fn wrong(what: &str, example: &str, text: &str) -> Fault {
    let shown = shown(text);
    Fault::malformed(format!(
        "{what} such as {example:?} was expected, and {shown:?} found"
    ))
}

/// The bytes that are left.
struct Reading<'a>(&'a [u8]);

impl Reading<'_> {
    fn timestamp(&mut self, is_local: bool) -> Option<i128> {
        let days = self.date()?;
        self.one_of(b"Tt ")?;
        let of_day = self.time(2)?;
        let offset = match is_local {
            true => 0,
            false => self.offset()?,
        };
        let seconds = i128::from(days) * DAY - offset;
        self.0.is_empty().then_some(seconds * NANOS + of_day)
    }

    /// Days since 1970-01-01. A year has four digits, or a sign and at least six.
    fn date(&mut self) -> Option<i64> {
        let sign = self.one_of(b"+-");
        let year = match sign {
            None => self.number(4, 4)?,
            Some(_) => self.number(6, 12)?,
        };
        let year = if sign == Some(b'-') { -year } else { year };
        self.one_of(b"-")?;
        let month = self.number(2, 2)?;
        self.one_of(b"-")?;
        let day = self.number(2, 2)?;
        let is_valid = (1..=12).contains(&month) && (1..=length(year, month)).contains(&day);
        is_valid.then(|| days_from_civil(year, month, day))
    }

    /// Nanoseconds of `05:20:00.123`. Hours have at least two digits and at most so many.
    fn time(&mut self, most: usize) -> Option<i128> {
        let hours = self.number(2, most.min(16))?;
        self.one_of(b":")?;
        let minutes = self.number(2, 2)?;
        self.one_of(b":")?;
        let seconds = self.number(2, 2)?;
        let nanos = match self.one_of(b".,") {
            None => 0,
            Some(_) => {
                let count = self
                    .0
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
                let fraction = self.number(1, 9)?;
                fraction * 10_i64.pow(9 - count as u32)
            }
        };
        let is_valid = minutes < 60 && seconds < 60 && (most > 2 || hours < 24);
        let seconds = i128::from(hours) * 3600 + i128::from(minutes * 60 + seconds);
        is_valid.then_some(seconds * NANOS + i128::from(nanos))
    }

    /// Seconds of `Z`, `+02:00` and the like.
    fn offset(&mut self) -> Option<i128> {
        let sign = self.one_of(b"Zz+-")?;
        if sign.eq_ignore_ascii_case(&b'z') {
            return Some(0);
        }
        let hours = self.number(2, 2)?;
        self.one_of(b":")?;
        let minutes = self.number(2, 2)?;
        let seconds = i128::from(hours * 3600 + minutes * 60);
        let is_valid = hours < 24 && minutes < 60;
        is_valid.then_some(if sign == b'-' { -seconds } else { seconds })
    }

    /// The next byte, if it is one of these.
    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        let found = bytes.contains(&first).then_some(first)?;
        self.0 = rest;
        Some(found)
    }

    /// A number of so many digits.
    fn number(&mut self, least: usize, most: usize) -> Option<i64> {
        let count = self
            .0
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let (digits, rest) = self.0.split_at_checked(count)?;
        let fits = (least..=most).contains(&count);
        self.0 = rest;
        let digits = std::str::from_utf8(digits).ok().filter(|_| fits)?;
        digits.parse().ok()
    }
}

/// The days of a month.
fn length(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of the proleptic Gregorian calendar: Howard Hinnant's `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::time;
    use proptest::prelude::*;

    fn text(of: &time::Text) -> &str {
        std::str::from_utf8(of.as_bytes()).unwrap()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number: i64, day: i32, is_local: bool, small in -10_000_i64..10_000) {
            for number in [number, small] {
                for unit in [Unit::Millis, Unit::Micros, Unit::Nanos] {
                    let written = time::timestamp(number, unit, is_local);
                    prop_assert_eq!(timestamp(text(&written), unit, is_local).unwrap(), number);
                    let written = time::time(number, unit);
                    prop_assert_eq!(of_day(text(&written), unit).unwrap(), number);
                }
            }
            prop_assert_eq!(days(text(&time::date(day.into()))).unwrap(), day);
        }
    }

    #[test]
    fn other_ways_of_rfc_3339_are_read() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01t02:00:01+02:00", 1),
            ("1969-12-31 23:59:59.5-00:00", -1),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
            ("0001-01-01T00:00:00Z", -62_135_596_800),
            ("2024-02-29T00:00:00Z", 1_709_164_800),
        ] {
            let found = nanoseconds(text, false).unwrap();
            assert_eq!(found.div_euclid(NANOS), seconds, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in [
            "",
            "now",
            "2026-11-28",
            "2026-11-28T05:20:00",
            "2026-02-30T05:20:00Z",
            "2026-11-28T24:00:00Z",
            "2026-11-28T05:20:00.Z",
            "2026-11-28T05:20:00.1234567890Z",
            "2026-11-28T05:20:00Zulu",
            "12026-11-28T05:20:00Z",
        ] {
            assert!(nanoseconds(text, false).is_err(), "{text}");
        }
        for text in ["2026-11-28T05:20:00Z", "2026-11-28T05:20:00+01:00"] {
            assert!(nanoseconds(text, true).is_err(), "{text}");
        }
        for text in ["2026-11-28T05:20:00Z", "20261128", "2026-1-1"] {
            assert!(days(text).is_err(), "{text}");
        }
        for text in ["2026-11-28T05:20:00", "5:20:00", "05:20", "--05:20:00"] {
            assert!(of_day(text, Unit::Millis).is_err(), "{text}");
        }
    }
}
