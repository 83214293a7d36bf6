//! Everything that encodes or parses, on random bytes: no content of a payload, type, cursor or
//! query breaks its surroundings.

mod cursors;
mod frames;
mod queries;
mod standard;

use proptest::collection::vec;
use proptest::prelude::*;

/// Enough cases to find a typical fault within a few runs; a second each.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 500,
        failure_persistence: None, // a failure prints its seed and its smallest case
        ..ProptestConfig::default()
    }
}

/// Text made mostly of characters with a meaning in a stream, a chunk, a query or an id.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[\r\n]{1,3}",
        2 => "[ :;,=&%+-]{1,3}",
        2 => "[0-9a-fx-]{1,6}",
        1 => Just("data: ".to_owned()),
        1 => Just("id: 9-9\n\n".to_owned()),
        1 => Just("0\r\n\r\n".to_owned()),
        1 => Just("\u{feff}".to_owned()),
        1 => Just("\u{2028}\u{85}\0".to_owned()),
        2 => any::<String>(),
    ];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}
