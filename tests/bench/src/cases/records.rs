//! Records of Kafka, and batches of them.

use super::Case;
use millstream::record::{Batch, TopicPartition};
use std::hint::black_box;

/// The value of a record, of about 327 bytes; every bundled transform takes it.
fn value(number: usize) -> String {
    let filler = "it is on its way to you and will be there on Monday ".repeat(2);
    format!(
        r#"{{"eventId":"event-{number:06}","eventType":"order.shipped","clientId":"client-{:04}","taskId":"notification-{number:06}","status":"completed","message":"Your order {number:06}: {filler}","requestedDateTime":"2026-11-21T08:00:00Z"}}"#,
        number % 1000
    )
}

/// The keys and values of this many records.
pub fn made(count: usize) -> Vec<(String, String)> {
    let of = |number| (format!("client-{:04}", number % 1000), value(number));
    (0..count).map(of).collect()
}

/// A batch of this many records.
pub fn batch(count: usize) -> Batch {
    batch_of(&made(count))
}

fn batch_of(records: &[(String, String)]) -> Batch {
    let mut batch = Batch::new(TopicPartition {
        topic: "notifications".into(),
        partition: 0,
    });
    for (offset, (key, value)) in records.iter().enumerate() {
        let (key, value) = (key.as_bytes(), value.as_bytes());
        let headers = [(&b"trace"[..], Some(&b"0af7651916cd43dd"[..]))].into_iter();
        batch.push(offset as i64, 0, Some(key), Some(value), headers);
    }
    batch
}

/// A batch is filled with copies of records.
pub fn arena() -> Case {
    let records = made(1024);
    Case::new("batch/arena", records.len(), move || {
        black_box(batch_of(&records));
    })
}
