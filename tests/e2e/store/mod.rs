//! The contract of `host/src/store`, checked on both stores: Redis and memory.

mod appends;
mod away;
mod bells;
mod groups;
mod keys;
mod links;
mod pages;
mod permissions;
mod races;
mod refusals;
mod replayed;
mod retention;
mod revocations;
mod tasks;
mod values;

use millstream::record::{
    ClientId, Entry, GroupName, NO_TIME, News, Page, StreamId, StreamKind, StreamName,
    TopicPartition, Want,
};
use millstream::store::{
    Append, Appended, Exchange, Identity, Ledger, LedgerKey, Refusal, Retention, Store,
    StoreSettings, StoreUrl, StreamEvent, Writer,
};
use millstream_tests::{servers, unique};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{self, error::TrySendError};

const SOON: Duration = Duration::from_secs(20);

/// A store, and the prefix of its keys.
struct Subject {
    name: &'static str,
    store: Arc<Store>,
    prefix: String,
    runtime: tokio::runtime::Runtime,
}

impl Subject {
    fn new(name: &'static str, url: &str, retention: Retention) -> Subject {
        let prefix = unique("store");
        let url = StoreUrl::parse(url).unwrap();
        let settings = StoreSettings {
            url,
            tls: None,
            key_prefix: prefix.clone(),
            retention,
        };
        let store = Arc::new(Store::open(&settings).unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(1).enable_all().build().unwrap();
        Subject {
            name,
            store,
            prefix,
            runtime,
        }
    }

    fn redis(url: &str) -> Subject {
        Subject::new("Redis", url, Retention::default())
    }

    fn writer(&self) -> Box<dyn Writer> {
        self.store.writer()
    }

    fn read(&self, wants: &[Want]) -> Vec<Page> {
        self.runtime
            .block_on(self.store.read(wants, usize::MAX))
            .unwrap()
    }

    /// One page of one client's stream.
    fn page(&self, name: &str, after: Option<StreamId>, limit: usize, check_gap: bool) -> Page {
        let want = Want {
            stream: client_stream(name),
            after,
            limit,
            check_gap,
            counted: None,
        };
        let mut pages = self.read(&[want]);
        assert_eq!(pages.len(), 1);
        pages.remove(0)
    }

    /// A client's whole stream.
    fn stream(&self, name: &str) -> Vec<Entry> {
        self.entries(client_stream(name))
    }

    /// All entries of a stream.
    fn entries(&self, stream: StreamName) -> Vec<Entry> {
        let want = Want {
            stream,
            after: Some(StreamId::default()),
            limit: 1_000_000,
            check_gap: false,
            counted: None,
        };
        self.read(&[want]).remove(0).entries
    }

    /// The payloads in a client's stream.
    fn data(&self, name: &str) -> Vec<String> {
        texts(self.stream(name))
    }

    /// The payloads in a group's stream.
    fn group_data(&self, name: &str) -> Vec<String> {
        texts(self.entries(group_stream(name)))
    }

    fn listen(&self) -> mpsc::Receiver<News> {
        let (bells, rung) = mpsc::channel(16);
        let store = self.store.clone();
        let hear = move |bell| {
            // The listener of a test that ended.
            let heard = bells.try_send(bell);
            assert!(!matches!(heard, Err(TrySendError::Full(_))), "unheard");
        };
        self.runtime.spawn(async move { store.listen(&hear).await });
        rung
    }

    fn next(&self, rung: &mut mpsc::Receiver<News>) -> News {
        let next = async { tokio::time::timeout(SOON, rung.recv()).await };
        self.runtime
            .block_on(next)
            .expect("a doorbell message in time")
            .expect("the listener works")
    }

    fn keep_interest(&self, names: &[&str], lease: Duration) {
        let clients: Vec<ClientId> = names.iter().map(|name| client(name)).collect();
        self.runtime
            .block_on(self.store.keep_interest(&clients, lease))
            .unwrap();
    }

    fn revoke(&self, name: &str, before: u64) {
        self.revoke_and_forget(name, before, None);
    }

    /// Revokes, and forgets revocations of tokens issued before `expired`.
    fn revoke_and_forget(&self, name: &str, before: u64, expired: Option<u64>) {
        let client = client(name);
        let revoked = self.store.revoke(&client, before, expired);
        self.runtime.block_on(revoked).unwrap();
    }

    fn disconnect(&self, name: &str) {
        let client = client(name);
        let ended = self.store.disconnect(&client);
        self.runtime.block_on(ended).unwrap();
    }
}

/// Runs a check of the contract on both stores.
fn both(check: impl Fn(&Subject)) {
    both_with(Retention::default(), check);
}

fn both_with(retention: Retention, check: impl Fn(&Subject)) {
    for (name, url) in [
        ("memory", "memory:".into()),
        ("Redis", servers().redis.url()),
    ] {
        let subject = Subject::new(name, &url, retention);
        println!("--- {}", subject.name);
        check(&subject);
    }
}

fn client(name: &str) -> ClientId {
    ClientId::new(name.as_bytes()).unwrap()
}

fn client_stream(name: &str) -> StreamName {
    StreamName::Client(client(name))
}

fn group_stream(name: &str) -> StreamName {
    StreamName::Group(GroupName::new(name.as_bytes()).unwrap())
}

fn texts(entries: Vec<Entry>) -> Vec<String> {
    let text = |entry: Entry| String::from_utf8(entry.data.to_vec()).unwrap();
    entries.into_iter().map(text).collect()
}

fn key(partition: i32) -> LedgerKey {
    LedgerKey {
        group: "g".into(),
        partition: TopicPartition {
            topic: "t".into(),
            partition,
        },
    }
}

/// A ledger at this offset.
fn at(next: i64) -> Ledger {
    let (topic_id, cluster_id) = ("topic-id".into(), "cluster-id".into());
    Ledger {
        next,
        topic_id,
        cluster_id,
        ..Ledger::default()
    }
}

/// Events of one record each, from `offset` on.
fn events<'a>(offset: i64, of: &[(&'a str, &'a str)]) -> Vec<StreamEvent<'a>> {
    let event = |(index, (client, data)): (usize, &(&'a str, &'a str))| StreamEvent {
        to: StreamKind::Client,
        name: client.as_bytes(),
        kind: b"kind",
        data: data.as_bytes(),
        offset: offset + index as i64,
        n: 0,
        replay: None,
        task: None,
    };
    of.iter().enumerate().map(event).collect()
}

/// Appends these events, one per record, if the ledger is at `expected`.
fn append(
    writer: &mut dyn Writer,
    ledger: &LedgerKey,
    expected: i64,
    of: &[(&str, &str)],
) -> Appended {
    append_then(writer, ledger, expected, of, None)
}

fn append_then(
    writer: &mut dyn Writer,
    ledger: &LedgerKey,
    expected: i64,
    of: &[(&str, &str)],
    following: Option<&LedgerKey>,
) -> Appended {
    let events = events(expected, of);
    let next = expected + of.len() as i64;
    writer.append(&mut batch(ledger, expected, next, &events), following)
}

/// Nothing is known about the topic.
static ANY: Identity = Identity {
    topic_id: String::new(),
    cluster_id: String::new(),
};

/// A batch that moves the ledger from `expected` to `next`.
fn batch<'a>(
    ledger: &'a LedgerKey,
    expected: i64,
    next: i64,
    events: &'a [StreamEvent<'a>],
) -> Append<'a> {
    Append {
        ledger,
        identity: &ANY,
        exchange: Exchange::new(expected, next),
        attempts: 0,
        digests: "digests",
        events,
        suppressed: &[],
        reports: &[],
        clock: NO_TIME,
        keeps_state: false,
        values: &[],
    }
}

#[track_caller]
fn stored(appended: Appended) -> Vec<Refusal> {
    match appended {
        Appended::Stored(unstored) => unstored.refused,
        other => panic!("not stored: {other:?}"),
    }
}

#[track_caller]
fn moved(appended: Appended) -> Option<i64> {
    match appended {
        Appended::Moved(ledger) => ledger.map(|ledger| ledger.next),
        other => panic!("not moved: {other:?}"),
    }
}

#[track_caller]
fn next_of(writer: &mut dyn Writer, key: &LedgerKey) -> Option<i64> {
    writer.ledger(key).unwrap().map(|ledger| ledger.next)
}
