//! Several letters of one record, which a crash may leave.

use super::{Fixture, MENDED, check_sum, number, numbers};
use millstream_tests::produce;

#[test]
fn several_letters_of_one_record_are_replayed_once() {
    let place = Fixture::new(1);
    let value = |n: i64| format!(r#"{{"client":"a","kind":"mail","n":{n}}}"#);
    // Copies far apart and adjacent, also of a record that fails again.
    let mut letters: Vec<_> = (0..1_000)
        .map(|n| place.letter(n, &value(n), &[]))
        .collect();
    letters.push(place.letter(2_000, "no JSON", &[]));
    letters.push(place.letter(2_000, "no JSON", &[]));
    letters.extend((0..1_000).rev().map(|n| place.letter(n, &value(n), &[])));
    letters.push(place.letter(2_000, "no JSON", &[]));
    produce(&place.dead, letters);
    let config = place.config(MENDED, "batch = { max-records = 64 }");
    let (told, _) = place.replay(&config, &["--dry-run"]);
    let (done, code) = place.replay(&config, &["--yes", "--rate", "3000"]);
    assert_eq!(numbers(&told), numbers(&done), "independent of the batches");
    check_sum(&done);
    let of = |name| number(&done, name);
    assert_eq!(
        (of("chosen"), of("replayed"), of("copies")),
        (2_003, 1_000, 1_002)
    );
    assert_eq!(code, Some(1), "one fails again");
    assert_eq!(place.sources(), place.expected((0..1_000).map(|n| (0, n))));
    let (again, _) = place.replay(&config, &["--yes"]);
    assert_eq!(
        (number(&again, "before"), number(&again, "copies")),
        (1_000, 1_002)
    );
}

#[test]
fn a_replayed_record_has_its_original_bytes_timestamp_and_source() {
    let place = Fixture::new(1);
    let letter = place
        .letter(7, "{\"client\":\"a\"}", &[("kind", "from a header")])
        .key("k");
    produce(&place.dead, [letter]);
    let of =
        r#"{ plugin = "bundled:by-field", config = { client = "key", type = "header:kind" } }"#;
    let (done, _) = place.replay(&place.config(of, ""), &["--yes"]);
    assert_eq!(number(&done, "replayed"), 1);
    let entries = place.entries();
    assert_eq!(entries[0].event_type, "from a header");
    assert_eq!(entries[0].data, "{\"client\":\"a\"}");
    assert_eq!(entries[0].source, format!("{}/0/7/0", place.topic));
}
