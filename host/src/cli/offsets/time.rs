//! Times as people write them.

/// Milliseconds since 1970-01-01 UTC of a time such as `2026-11-21T08:30:00Z`,
/// `2026-11-21T08:30:00.250+01:00`; `None` for what is none.
///
/// The parts are TOML's parser's, as in the configuration; a time without its
/// distance to UTC is not taken.
pub(super) fn millis(text: &str) -> Option<i64> {
    let parsed: toml::value::Datetime = text.parse().ok()?;
    let (date, time, offset) = (parsed.date?, parsed.time?, parsed.offset?);
    let minutes = match offset {
        toml::value::Offset::Z => 0,
        toml::value::Offset::Custom { minutes } => i64::from(minutes),
    };
    let days = days_since_1970(date.year.into(), date.month.into(), date.day.into());
    let in_day = i64::from(time.hour) * 3600
        + i64::from(time.minute) * 60
        + i64::from(time.second.unwrap_or(0))
        - minutes * 60;
    let millis = i64::from(time.nanosecond.unwrap_or(0)) / 1_000_000;
    Some((days * 86_400 + in_day) * 1000 + millis)
}

/// Days of the Gregorian calendar; years begin in March here, so that a leap
/// day is a year's last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::millis;

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
        assert_eq!(millis("1970-01-01T00:00:00"), None, "no distance to UTC");
    }
}
