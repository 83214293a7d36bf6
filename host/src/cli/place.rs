//! Places in a partition as people write them.

use super::time;
use crate::kafka::Place;

/// `earliest`, `latest`, an offset, so many before the end (`-5`), or a time.
pub(super) fn parse(text: &str) -> Result<Place, String> {
    match text {
        "earliest" => return Ok(Place::Earliest),
        "latest" => return Ok(Place::Latest),
        _ => {}
    }
    match text.parse::<i64>() {
        Ok(offset @ 0..) => Ok(Place::Offset(offset)),
        Ok(before) => Ok(Place::BeforeEnd(before.saturating_neg())),
        Err(_) => time::millis(text).map(Place::Time).ok_or_else(|| {
            "expected `earliest`, `latest`, an offset, `-N` for N before the end, or a time such \
             as 2026-11-21T08:30:00Z"
                .into()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_word_an_offset_or_a_time() {
        let place = |text| parse(text).ok();
        assert_eq!(place("earliest"), Some(Place::Earliest));
        assert_eq!(place("latest"), Some(Place::Latest));
        assert_eq!(place("0"), Some(Place::Offset(0)));
        assert_eq!(place("-5"), Some(Place::BeforeEnd(5)));
        assert_eq!(place("1970-01-01T00:00:01Z"), Some(Place::Time(1000)));
        for wrong in ["", "oldest", "2026-11-21", "1.5"] {
            assert_eq!(place(wrong), None, "{wrong}");
        }
    }
}
