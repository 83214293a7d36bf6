//! Offsets of a partition, as users write them.

use super::time;
use crate::kafka::OffsetSpec;

/// Parses `earliest`, `latest`, an offset, a number of records before the end (`-5`), or a time.
pub(super) fn parse(text: &str) -> Result<OffsetSpec, String> {
    match text {
        "earliest" => return Ok(OffsetSpec::Earliest),
        "latest" => return Ok(OffsetSpec::Latest),
        _ => {}
    }
    match text.parse::<i64>() {
        Ok(offset @ 0..) => Ok(OffsetSpec::Offset(offset)),
        Ok(before) => Ok(OffsetSpec::BeforeEnd(before.saturating_neg())),
        Err(_) => time::millis(text).map(OffsetSpec::Time).ok_or_else(|| {
            "expected `earliest`, `latest`, an offset, `-N` for N records before the end, or a \
             time such as 2026-11-21T08:30:00Z"
                .into()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_a_word_a_number_or_a_time() {
        let spec = |text| parse(text).ok();
        assert_eq!(spec("earliest"), Some(OffsetSpec::Earliest));
        assert_eq!(spec("latest"), Some(OffsetSpec::Latest));
        assert_eq!(spec("0"), Some(OffsetSpec::Offset(0)));
        assert_eq!(spec("-5"), Some(OffsetSpec::BeforeEnd(5)));
        assert_eq!(spec("1970-01-01T00:00:01Z"), Some(OffsetSpec::Time(1000)));
        for wrong in ["", "oldest", "2026-11-21", "1.5"] {
            assert_eq!(spec(wrong), None, "{wrong}");
        }
    }
}
