use super::{config, text};
use millstream::record::{GroupName, StreamId};
use millstream::sse::cursor::{self, Cursor};
use proptest::collection::vec;
use proptest::prelude::*;

fn written(cursor: &Cursor) -> String {
    let names: Vec<String> = cursor
        .groups
        .iter()
        .map(|(n, _)| cursor::encoded(n))
        .collect();
    let ids = cursor.groups.iter().map(|(_, id)| *id);
    let mut text = Vec::new();
    cursor::write(
        &mut text,
        cursor.own,
        names.iter().map(String::as_str).zip(ids),
    );
    String::from_utf8(text).unwrap()
}

fn stream_id() -> impl Strategy<Value = StreamId> {
    (any::<u64>(), any::<u64>()).prop_map(|(millis, number)| StreamId { millis, number })
}

fn cursor() -> impl Strategy<Value = Cursor> {
    let name = prop_oneof![text(), any::<String>(), "[a-z,=%é]{1,9}"];
    let name = name.prop_filter_map("no name", |name| GroupName::new(name.as_bytes()).ok());
    (stream_id(), vec((name, stream_id()), 0..6)).prop_map(|(own, mut groups)| {
        groups.sort_unstable();
        groups.dedup_by(|a, b| a.0 == b.0);
        Cursor { own, groups }
    })
}

/// As a forged cursor might begin.
fn nearly() -> impl Strategy<Value = String> {
    let change = (any::<prop::sample::Index>(), "[0-9a-z,=%\\-+ \0é]{0,2}");
    (cursor(), change).prop_map(|(cursor, (at, with))| {
        let mut text = written(&cursor);
        let at = at.index(text.len());
        text.replace_range(at..at + 1, &with); // it is ASCII
        text
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_cursor_parses_back_to_the_same_value(cursor in cursor()) {
        let text = written(&cursor);
        // It must be valid in a header and in a query.
        prop_assert!(text.bytes().all(|b| b.is_ascii_graphic()), "{text}");
        prop_assert_eq!(Cursor::parse(&text), Ok(cursor));
    }

    #[test]
    fn every_accepted_cursor_is_written_back_unchanged(
        text in prop_oneof![text(), nearly()],
    ) {
        if let Ok(cursor) = Cursor::parse(&text) {
            let again = written(&cursor);
            prop_assert_eq!(Cursor::parse(&again), Ok(cursor.clone()));
        }
    }
}
