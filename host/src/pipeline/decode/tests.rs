use super::*;
use crate::record::TopicPartition;
use crate::schema::{Format, Source};

const ORDER: &str = r#"{"type":"record","name":"shop.Order","fields":[{"name":"n","type":"int"}]}"#;

fn decoder(key: Option<&str>, value: &str, batch_bytes: usize) -> Decoder {
    let by = |text: &str| {
        let source = Source::new(Format::Avro, text);
        let schema = Schema::parse_here(&source).unwrap_or_else(|error| panic!("{error:#}"));
        By::Schema(Arc::new(schema))
    };
    Decoder {
        key: key.map(by),
        value: Some(by(value)),
        table: Table::default(),
        record_bytes: 64,
        batch_bytes,
    }
}

fn batch(values: &[Option<&[u8]>]) -> Batch {
    let mut batch = Batch::new(TopicPartition {
        topic: "orders".into(),
        partition: 0,
    });
    for (offset, value) in values.iter().enumerate() {
        let headers = [(&b"h"[..], Some(&b"v"[..]))].into_iter();
        batch.push(100 + offset as i64, 7, Some(b"\x04ab"), *value, headers);
    }
    batch
}

fn decoded(decoder: &Decoder, batch: &Batch, from: usize) -> Decoded {
    match decoder.decode(batch, from) {
        Outcome::Decoded(decoded) => decoded,
        Outcome::Waits(why) => panic!("it waits: {why:?}"),
    }
}

fn texts(decoded: &Decoded) -> Vec<Option<&str>> {
    let value = |index| decoded.batch.view(index).value();
    let text = |value| std::str::from_utf8(value).expect("JSON");
    let all = (0..decoded.batch.records.len()).map(|index| value(index).map(text));
    all.collect()
}

#[test]
fn records_keep_their_indices_and_those_that_fail_are_empty() {
    let big = [0; 100];
    let batch = batch(&[Some(&[2]), None, Some(&[]), Some(&big), Some(&[4])]);
    let decoded = decoded(&decoder(None, ORDER, 1 << 20), &batch, 0);
    assert_eq!(
        texts(&decoded),
        [Some(r#"{"n":1}"#), None, None, None, Some(r#"{"n":2}"#)]
    );
    let classes: Vec<_> = { decoded.refused.iter() }
        .map(|(index, failure)| (*index, failure.record, failure.class, failure.stage))
        .collect();
    let expected = [
        (2, 2, Class::Malformed, Stage::Ingest),
        (3, 3, Class::TooLarge, Stage::Ingest),
    ];
    assert_eq!(classes, expected);
    let last = decoded.batch.view(4);
    assert_eq!((last.record.offset, last.record.timestamp), (104, 7));
    assert_eq!(last.key(), Some(&b"\x04ab"[..]));
    assert_eq!(
        last.headers().collect::<Vec<_>>(),
        [(&b"h"[..], Some(&b"v"[..]))]
    );
}

#[test]
fn a_key_that_is_text_has_no_quotes() {
    let batch = batch(&[Some(&[2])]);
    let decoded = decoded(&decoder(Some("\"string\""), ORDER, 1 << 20), &batch, 0);
    assert_eq!(decoded.batch.view(0).key(), Some(&b"ab"[..]));
}

/// Plugins may be tried on the first records again after later ones were decoded.
#[test]
fn a_part_has_only_the_records_that_were_decoded_with_it() {
    let batch = batch(&[Some(&[2]), Some(&[4]), Some(&[6]), Some(&[8])]);
    // Each record has some ten bytes.
    let decoder = decoder(None, ORDER, 20);
    let first = decoded(&decoder, &batch, 0);
    let end = first.batch.records.len();
    assert!((1..4).contains(&end), "{end}");
    assert!(first.has(0) && first.has(end - 1) && !first.has(end));
    let second = decoded(&decoder, &batch, end);
    assert!(!second.has(0) && !second.has(end - 1) && second.has(end));
    assert_eq!(second.batch.records[end].offset, 100 + end as i64);
}
