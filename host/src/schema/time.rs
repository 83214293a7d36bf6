//! Dates and times as text.
//!
//! Any number of the wire is written, also beyond the year 9999: then the year has a sign and more
//! digits, as ISO 8601 and JavaScript have it. Producers use such numbers for "never".

use serde::{Deserialize, Serialize};
use std::io::Write;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A fraction of a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Unit {
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    pub fn per_second(self) -> i64 {
        match self {
            Unit::Millis => 1_000,
            Unit::Micros => 1_000_000,
            Unit::Nanos => 1_000_000_000,
        }
    }

    pub fn digits(self) -> usize {
        match self {
            Unit::Millis => 3,
            Unit::Micros => 6,
            Unit::Nanos => 9,
        }
    }
}

/// The longest text that is written here, in bytes.
pub(super) const LONGEST: usize = 48;

/// Text of a bounded length.
pub(super) struct Text {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Text {
    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn of(write: impl FnOnce(&mut &mut [u8]) -> std::io::Result<()>) -> Text {
        let mut bytes = [0; LONGEST];
        let mut rest = &mut bytes[..];
        // The longest text fits.
        let _ = write(&mut rest);
        let left = rest.len();
        Text {
            bytes,
            length: LONGEST - left,
        }
    }
}

/// `2026-11-28`, from days since 1970-01-01.
pub(super) fn date(days: i64) -> Text {
    Text::of(|out| write_date(days, out))
}

/// `05:20:00.123`, from parts of a second since midnight. More than a day gives more than 24 hours.
pub(super) fn time(parts: i64, unit: Unit) -> Text {
    Text::of(|out| {
        let sign = if parts < 0 { "-" } else { "" };
        let (parts, unit_parts) = (parts.unsigned_abs(), unit.per_second().unsigned_abs());
        out.write_all(sign.as_bytes())?;
        write_time(parts / unit_parts, parts % unit_parts, unit, out)
    })
}

/// `2026-11-28T05:20:00.123Z`, from parts of a second since 1970-01-01; without the `Z` where it is
/// local to an unknown place.
pub(super) fn timestamp(parts: i64, unit: Unit, is_local: bool) -> Text {
    Text::of(|out| {
        let seconds = parts.div_euclid(unit.per_second());
        let fraction = parts.rem_euclid(unit.per_second()).unsigned_abs();
        write_date(seconds.div_euclid(DAY), out)?;
        out.write_all(b"T")?;
        write_time(seconds.rem_euclid(DAY).unsigned_abs(), fraction, unit, out)?;
        match is_local {
            true => Ok(()),
            false => out.write_all(b"Z"),
        }
    })
}

/// `2026-11-28T05:20:00.5Z`, with as many groups of three digits as needed.
pub(super) fn instant(seconds: i64, nanos: u32) -> Text {
    Text::of(|out| {
        write_date(seconds.div_euclid(DAY), out)?;
        let of_day = seconds.rem_euclid(DAY);
        let (hours, minutes, seconds) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(out, "T{hours:02}:{minutes:02}:{seconds:02}")?;
        write_fraction(nanos, out)?;
        out.write_all(b"Z")
    })
}

/// `-1.500s`, of two numbers with one sign.
pub(super) fn span(seconds: i64, nanos: i64) -> Text {
    Text::of(|out| {
        let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
        write!(out, "{sign}{}", seconds.unsigned_abs())?;
        write_fraction(nanos.unsigned_abs() as u32, out)?;
        out.write_all(b"s")
    })
}

fn write_fraction(nanos: u32, out: &mut &mut [u8]) -> std::io::Result<()> {
    match nanos {
        0 => Ok(()),
        n if n % 1_000_000 == 0 => write!(out, ".{:03}", n / 1_000_000),
        n if n % 1_000 == 0 => write!(out, ".{:06}", n / 1_000),
        n => write!(out, ".{n:09}"),
    }
}

fn write_time(seconds: u64, fraction: u64, unit: Unit, out: &mut &mut [u8]) -> std::io::Result<()> {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let digits = unit.digits();
    write!(
        out,
        "{hours:02}:{minutes:02}:{seconds:02}.{fraction:0digits$}"
    )
}

fn write_date(days: i64, out: &mut &mut [u8]) -> std::io::Result<()> {
    let (year, month, day) = civil(days);
    match year {
        0..=9999 => write!(out, "{year:04}-{month:02}-{day:02}"),
        _ => write!(out, "{year:+07}-{month:02}-{day:02}"),
    }
}

/// Year, month and day of the proleptic Gregorian calendar: Howard Hinnant's `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &Text) -> &str {
        std::str::from_utf8(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_calendar_agrees_on_every_day_that_it_knows() {
        for days in (-700_000..2_900_000).step_by(17) {
            let at = jiff::civil::date(1970, 1, 1)
                .checked_add(jiff::Span::new().days(days))
                .unwrap();
            if at.year() >= 0 {
                assert_eq!(shown(&date(days)), at.to_string());
            }
        }
    }

    #[test]
    fn every_number_has_a_time() {
        for (parts, unit, is_local, text) in [
            (0, Unit::Millis, false, "1970-01-01T00:00:00.000Z"),
            (-1, Unit::Millis, false, "1969-12-31T23:59:59.999Z"),
            (
                1_764_307_200_123_456,
                Unit::Micros,
                true,
                "2025-11-28T05:20:00.123456",
            ),
            (1, Unit::Nanos, false, "1970-01-01T00:00:00.000000001Z"),
            (
                253_402_300_800_000,
                Unit::Millis,
                false,
                "+010000-01-01T00:00:00.000Z",
            ),
            (
                -62_167_219_200_001,
                Unit::Millis,
                false,
                "-000001-12-31T23:59:59.999Z",
            ),
            (
                i64::MAX,
                Unit::Millis,
                false,
                "+292278994-08-17T07:12:55.807Z",
            ),
            (
                i64::MIN,
                Unit::Micros,
                true,
                "-290308-12-21T19:59:05.224192",
            ),
        ] {
            assert_eq!(
                shown(&timestamp(parts, unit, is_local)),
                text,
                "{parts} {unit:?}"
            );
        }
        assert_eq!(shown(&time(19_200_007, Unit::Millis)), "05:20:00.007");
        assert_eq!(shown(&time(-1, Unit::Micros)), "-00:00:00.000001");
        assert_eq!(shown(&date(i64::from(i32::MAX))), "+5881580-07-11");
        assert_eq!(shown(&date(i64::from(i32::MIN))), "-5877641-06-23");
        let longest = timestamp(i64::MIN, Unit::Millis, false);
        assert!(longest.as_bytes().len() < LONGEST);
    }
}
