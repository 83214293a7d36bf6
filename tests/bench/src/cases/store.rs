//! A batch's transaction: encoded, sent, and its answers read. Redis does its part in a process of
//! its own, which is not counted.

use super::{Case, appends, records};
use anyhow::Result;
use millstream::record::TopicPartition;
use millstream::store::{
    Ledger, LedgerKey, Retention, Store, StoreSettings, StoreUrl, StreamEvent,
};

const EVENTS: usize = 256;
/// Offsets with as many digits in each run.
const FIRST: i64 = 100_000_000;

/// A transaction with the look at the next one, as a busy partition has it.
pub fn append(redis: &str) -> Result<Case> {
    let settings = StoreSettings {
        url: StoreUrl::parse(redis).map_err(anyhow::Error::msg)?,
        tls: None,
        key_prefix: "bench".into(),
        retention: Retention::default(),
    };
    let mut writer = Store::open(&settings)?.writer();
    let partition = TopicPartition {
        topic: "notifications".into(),
        partition: 0,
    };
    let key = LedgerKey::new("millstream", partition);
    let stands = writer.ledger(&key)?.map(|ledger| ledger.next);
    let begin = Ledger {
        next: FIRST,
        ..Ledger::default()
    };
    writer.begin(&key, stands, &begin, false)?;
    let records = records::made(EVENTS);
    let mut next = FIRST;
    Ok(Case::new("store/append", EVENTS, move || {
        let made = (next..).zip(&records).map(|(offset, (client, data))| {
            appends::event(client, "order.shipped", data.as_bytes(), offset)
        });
        let events: Vec<StreamEvent> = made.collect();
        appends::append(&mut *writer, &key, next, &events);
        next += EVENTS as i64;
    }))
}
