//! An absent key differs from an empty one.

use super::{Fixture, error};
use millstream_tests::{Message, produce, read_all};

#[test]
fn plugins_and_dead_letters_distinguish_an_absent_key_from_an_empty_one() {
    let place = Fixture::new(1);
    // By default a record's key is its client.
    let pipeline = "transform.plugin = \"bundled:by-field\"";
    let daemon = place.daemon(pipeline, b"");
    let value = || Message::new("{}").partition(0);
    let messages = [
        value().key("ada"),
        value(),
        value().key(""),
        value().key([0xff]),
        Message::tombstone("ada").partition(0),
        value().key("ada"),
    ];
    produce(&place.topic, messages);
    let (stored, letters) = place.wait_for("ada", 2, 4);
    let records = read_all(&place.topic);
    assert_eq!(stored, [0, 5].map(|n: usize| place.source(&records[n])));
    assert_eq!(letters.len(), 4);
    let told = letters.iter().map(|letter| {
        println!("{}: {}", error(letter, "class"), error(letter, "message"));
        error(letter, "message")
    });
    let told: Vec<_> = told.collect();
    assert_ne!(told[0], told[1], "an absent key is not an empty one");
    for (record, letter) in records[1..].iter().zip(&letters) {
        place.check_letter(record, letter, error(letter, "class"), "transform");
    }
    let keys = letters.iter().map(|letter| letter.key.as_deref());
    let expected: [Option<&[u8]>; 4] = [None, Some(b""), Some(b"\xff"), Some(b"ada")];
    assert_eq!(keys.collect::<Vec<_>>(), expected);
    assert_eq!(letters[3].value, None, "a tombstone");
    assert_eq!(daemon.terminate(), Some(0));
}
