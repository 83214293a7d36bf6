//! Which records the events of a stream were made of.

use crate::record::{StreamName, TopicPartition};
use crate::store::{Store, StoreSettings};

/// The partitions and offsets of the records that made a stream's events, each
/// once, in the order of the events. Events without a record, such as the timeout
/// of a task, are left out.
///
/// # Errors
/// When the store can't be reached.
pub fn of_stream(
    settings: &StoreSettings,
    stream: &StreamName,
) -> anyhow::Result<Vec<(TopicPartition, i64)>> {
    let store = Store::open(settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let sources = runtime.block_on(store.sources(stream));
    let sources = sources.map_err(|error| anyhow::anyhow!("can't read the store: {}", error.0))?;
    let mut records = Vec::new();
    for source in sources {
        // A record's events are beside each other.
        if let Some(record) = record_of(&source)
            && records.last() != Some(&record)
        {
            records.push(record);
        }
    }
    Ok(records)
}

/// The record of a source, `topic/partition/offset/n`.
fn record_of(source: &str) -> Option<(TopicPartition, i64)> {
    let mut parts = source.rsplitn(4, '/').skip(1);
    let offset = parts.next()?.parse().ok()?;
    let partition = parts.next()?.parse().ok()?;
    let topic = parts.next()?.into();
    Some((TopicPartition { topic, partition }, offset))
}

#[test]
fn a_source_names_its_record() {
    let record = record_of("orders/3/41/0").unwrap();
    assert_eq!(
        (&*record.0.topic, record.0.partition, record.1),
        ("orders", 3, 41)
    );
    for other in ["task/0192", "", "a/b/c/d", "1/2/3"] {
        assert!(record_of(other).is_none(), "{other}");
    }
}
