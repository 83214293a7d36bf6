//! Percentages, as users write them.

/// Parses `2%` or `2`.
pub(super) fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse::<f64>();
    let number = number.ok().filter(|n| n.is_finite() && *n >= 0.0);
    number.ok_or_else(|| "expected a percentage such as 2%".into())
}

/// Parses a share: more than 0 % and at most 100 %.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let share = percent(text)?;
    match share > 0.0 && share <= 100.0 {
        true => Ok(share),
        false => Err("expected more than 0% and at most 100%".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_read() {
        assert_eq!((percent("2%"), percent("0.5")), (Ok(2.0), Ok(0.5)));
        for wrong in ["", "%", "x%", "-1%", "NaN", "inf"] {
            assert!(percent(wrong).is_err() && share(wrong).is_err(), "{wrong}");
        }
        assert_eq!((percent("0"), share("100%")), (Ok(0.0), Ok(100.0)));
        assert!(share("0").is_err() && share("101%").is_err());
    }
}
