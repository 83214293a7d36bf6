//! Appends of plain events to a store, as a transform without state makes them.

use millstream::record::{NO_TIME, StreamKind};
use millstream::store::{Append, Appended, Exchange, Identity, LedgerKey, StreamEvent, Writer};

/// An event of the record at this offset for a client.
pub fn event<'a>(client: &'a str, kind: &'a str, data: &'a [u8], offset: i64) -> StreamEvent<'a> {
    StreamEvent {
        to: StreamKind::Client,
        name: client.as_bytes(),
        kind: kind.as_bytes(),
        data,
        offset,
        n: 0,
        replay: None,
        task: None,
    }
}

/// Stores the events of as many records, from this offset on, and looks at the next ones.
pub fn append(writer: &mut dyn Writer, ledger: &LedgerKey, from: i64, events: &[StreamEvent]) {
    let mut append = Append {
        ledger,
        identity: &Identity::default(),
        exchange: Exchange::new(from, from + events.len() as i64),
        digests: "digests",
        attempts: 0,
        events,
        suppressed: &[],
        reports: &[],
        clock: NO_TIME,
        keeps_state: false,
        values: &[],
    };
    let stored = writer.append(&mut append, Some(ledger));
    assert!(matches!(stored, Appended::Stored(_)), "{stored:?}");
}
