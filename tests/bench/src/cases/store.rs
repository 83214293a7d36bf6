//! A batch's transaction: encoded, sent, and its answers read. Redis does its part in a process of
//! its own, which is not counted.

use super::{Case, records};
use anyhow::Result;
use millstream::record::{NO_TIME, StreamKind, TopicPartition};
use millstream::store::{
    Append, Appended, Exchange, Identity, Ledger, LedgerKey, Retention, Store, StoreSettings,
    StoreUrl, StreamEvent, Writer,
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
        let stored = once(&mut *writer, &key, next, &records);
        assert!(matches!(stored, Appended::Stored(_)), "{stored:?}");
        next += EVENTS as i64;
    }))
}

fn once(writer: &mut dyn Writer, key: &LedgerKey, next: i64, all: &[(String, String)]) -> Appended {
    let events: Vec<StreamEvent> = (next..).zip(all).map(event).collect();
    let mut append = Append {
        ledger: key,
        identity: &Identity::default(),
        exchange: Exchange::new(next, next + EVENTS as i64),
        digests: "digests",
        attempts: 0,
        events: &events,
        suppressed: &[],
        reports: &[],
        clock: NO_TIME,
        keeps_state: false,
        values: &[],
    };
    writer.append(&mut append, Some(key))
}

fn event<'a>((offset, (client, data)): (i64, &'a (String, String))) -> StreamEvent<'a> {
    StreamEvent {
        to: StreamKind::Client,
        name: client.as_bytes(),
        kind: b"order.shipped",
        data: data.as_bytes(),
        offset,
        n: 0,
        replay: None,
        task: None,
    }
}
