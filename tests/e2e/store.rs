//! The contract of `host/src/store`, kept by both stores: Redis and memory.

use millstream::record::{ClientId, Entry, Gap, Page, StreamId, TopicPartition, Want};
use millstream::store::{
    Append, Appended, Bell, Ledger, LedgerKey, Refusal, Retention, Store, StoreSettings, StoreUrl,
    StreamEvent, Writer,
};
use millstream_tests::{Link, Redis, servers, streams, unique, wait_until};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

const SOON: Duration = Duration::from_secs(20);

/// A store, and what its keys begin with.
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
        let settings = StoreSettings { url, key_prefix: prefix.clone(), retention };
        let store = Arc::new(Store::open(&settings).unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(1).enable_all().build().unwrap();
        Subject { name, store, prefix, runtime }
    }

    fn redis(url: &str) -> Subject {
        Subject::new("Redis", url, Retention::default())
    }

    fn writer(&self) -> Box<dyn Writer> {
        self.store.writer()
    }

    fn read(&self, wants: &[Want]) -> Vec<Page> {
        self.runtime.block_on(self.store.read(wants)).unwrap()
    }

    /// One page of one client's stream.
    fn page(&self, name: &str, after: Option<StreamId>, limit: usize, check_gap: bool) -> Page {
        let want = Want { client: client(name), after, limit, check_gap };
        let mut pages = self.read(&[want]);
        assert_eq!(pages.len(), 1);
        pages.remove(0)
    }

    /// A client's whole stream.
    fn stream(&self, name: &str) -> Vec<Entry> {
        self.page(name, Some(StreamId::default()), 1_000_000, false).entries
    }

    /// The payloads in a client's stream.
    fn data(&self, name: &str) -> Vec<String> {
        let text = |entry: Entry| String::from_utf8(entry.data.to_vec()).unwrap();
        self.stream(name).into_iter().map(text).collect()
    }

    fn listen(&self) -> mpsc::Receiver<Bell> {
        let (bells, rung) = mpsc::channel(16);
        let store = self.store.clone();
        self.runtime.spawn(async move { store.listen(bells).await });
        rung
    }

    fn next(&self, rung: &mut mpsc::Receiver<Bell>) -> Bell {
        let next = async { tokio::time::timeout(SOON, rung.recv()).await };
        self.runtime.block_on(next).expect("a bell in time").expect("it goes on")
    }

    fn keep_interest(&self, names: &[&str], lease: Duration) {
        let clients: Vec<ClientId> = names.iter().map(|name| client(name)).collect();
        self.runtime.block_on(self.store.keep_interest(&clients, lease)).unwrap();
    }
}

/// Runs a check of the contract on both stores.
fn both(check: impl Fn(&Subject)) {
    both_with(Retention::default(), check);
}

fn both_with(retention: Retention, check: impl Fn(&Subject)) {
    for (name, url) in [("memory", "memory:".into()), ("Redis", servers().redis.url())] {
        let subject = Subject::new(name, &url, retention);
        println!("--- {}", subject.name);
        check(&subject);
    }
}

fn client(name: &str) -> ClientId {
    ClientId::new(name.as_bytes()).unwrap()
}

fn key(partition: i32) -> LedgerKey {
    LedgerKey { group: "g".into(), partition: TopicPartition { topic: "t".into(), partition } }
}

/// A ledger at this offset.
fn at(next: i64) -> Ledger {
    let (topic_id, cluster_id) = ("topic-id".into(), "cluster-id".into());
    Ledger { next, topic_id, cluster_id, ..Ledger::default() }
}

/// Events of one record each, from `offset` on.
fn events<'a>(offset: i64, of: &[(&'a str, &'a str)]) -> Vec<StreamEvent<'a>> {
    let event = |(index, (client, data)): (usize, &(&'a str, &'a str))| StreamEvent {
        client: client.as_bytes(),
        kind: b"kind",
        data: data.as_bytes(),
        offset: offset + index as i64,
        n: 0,
    };
    of.iter().enumerate().map(event).collect()
}

/// Appends these events, a record each, where the ledger must stand at `expected`.
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
    let append = Append { ledger, expected, next, digests: "digests", events: &events };
    writer.append(&append, following)
}

#[track_caller]
fn stored(appended: Appended) -> Vec<Refusal> {
    match appended {
        Appended::Stored(refusals) => refusals,
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

#[test]
fn events_and_ledger_move_together() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), &at(10)).unwrap();
        let of = [("a", "1"), ("b", "2"), ("a", "3"), ("c d/{}*", "4\r\n\0é")];
        assert_eq!(stored(append(&mut *writer, &key(0), 10, &of)), []);
        assert_eq!(next_of(&mut *writer, &key(0)), Some(14));
        assert_eq!(subject.data("a"), ["1", "3"]);
        assert_eq!(subject.data("b"), ["2"]);
        assert_eq!(subject.data("c d/{}*"), ["4\r\n\0é"]);
        assert_eq!(&subject.stream("b")[0].kind[..], b"kind");
        // What was filtered moves the ledger alone.
        let nothing = Append {
            ledger: &key(0), expected: 14, next: 99, digests: "digests", events: &[],
        };
        assert_eq!(stored(writer.append(&nothing, None)), []);
        assert_eq!(next_of(&mut *writer, &key(0)), Some(99));
        let ledger = writer.ledger(&key(0)).unwrap().unwrap();
        assert_eq!(ledger, Ledger { digests: "digests".into(), ..at(99) });
    });
}

#[test]
fn many_events_of_one_append_keep_their_order() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), &at(0)).unwrap();
        let numbers: Vec<String> = (0..900).map(|n| n.to_string()).collect();
        let of: Vec<_> = numbers.iter().map(|n| ("a", n.as_str())).collect();
        assert_eq!(stored(append(&mut *writer, &key(0), 0, &of)), []);
        assert_eq!(subject.data("a"), numbers);
        let ids: Vec<_> = subject.stream("a").iter().map(|entry| entry.id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "ids rise");
    });
}

#[test]
fn another_expectation_stores_nothing_and_is_told_the_ledger() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), &at(10)).unwrap();
        for wrong in [9, 11] {
            assert_eq!(moved(append(&mut *writer, &key(0), wrong, &[("a", "1")])), Some(10));
        }
        assert_eq!(subject.data("a"), [""; 0]);
        assert_eq!(next_of(&mut *writer, &key(0)), Some(10));
        assert_eq!(stored(append(&mut *writer, &key(0), 10, &[("a", "2")])), []);
        assert_eq!(subject.data("a"), ["2"]);
    });
}

#[test]
fn without_a_ledger_nothing_is_stored() {
    both(|subject| {
        let mut writer = subject.writer();
        assert_eq!(next_of(&mut *writer, &key(0)), None);
        assert_eq!(moved(append(&mut *writer, &key(0), 0, &[("a", "1")])), None);
        assert_eq!(next_of(&mut *writer, &key(0)), None);
        assert_eq!(subject.data("a"), [""; 0]);
        // The one of another partition or group is none.
        writer.begin(&key(1), &at(0)).unwrap();
        assert_eq!(moved(append(&mut *writer, &key(0), 0, &[("a", "1")])), None);
        let other = LedgerKey { group: "h".into(), ..key(1) };
        assert_eq!(moved(append(&mut *writer, &other, 0, &[("a", "1")])), None);
    });
}

#[test]
fn the_first_beginning_wins() {
    both(|subject| {
        let (mut one, mut two) = (subject.writer(), subject.writer());
        assert_eq!(one.begin(&key(0), &at(5)).unwrap(), at(5));
        assert_eq!(two.begin(&key(0), &at(7)).unwrap(), at(5));
        assert_eq!(one.begin(&key(0), &at(9)).unwrap(), at(5));
        // Also what stands there later, and not what stood there before.
        stored(append(&mut *two, &key(0), 5, &[("a", "1")]));
        assert_eq!(one.begin(&key(0), &at(9)).unwrap().next, 6);
        for round in 1..50 {
            let barrier = Barrier::new(2);
            let begin = |writer: &mut Box<dyn Writer>, next| {
                barrier.wait();
                writer.begin(&key(round), &at(next)).unwrap()
            };
            let (a, b) = std::thread::scope(|scope| {
                let other = scope.spawn(|| begin(&mut two, 2));
                (begin(&mut one, 1), other.join().unwrap())
            });
            assert_eq!(a, b, "both were told the same");
            assert_eq!(one.ledger(&key(round)).unwrap(), Some(a));
        }
    });
}

#[test]
fn of_two_writers_with_the_same_expectation_one_stores() {
    const ROUNDS: i64 = 300;
    both(|subject| {
        let barrier = Barrier::new(2);
        let contend = |name: &'static str| {
            let mut writer = subject.writer();
            writer.begin(&key(0), &at(0)).unwrap();
            let mut won = 0;
            for round in 0..ROUNDS {
                barrier.wait();
                // With and without a look ahead at the same ledger.
                let following = key(0);
                let following = (round % 2 == 0).then_some(&following);
                let of = [(name, name), ("both", name)];
                match append_then(&mut *writer, &key(0), round * 2, &of, following) {
                    Appended::Stored(refusals) if refusals.is_empty() => won += 1,
                    Appended::Moved(Some(ledger)) => assert_eq!(ledger.next, round * 2 + 2),
                    other => panic!("{other:?}"),
                }
                barrier.wait();
            }
            won
        };
        let (a, b) = std::thread::scope(|scope| {
            let other = scope.spawn(|| contend("b"));
            (contend("a"), other.join().unwrap())
        });
        println!("{a} and {b} of {ROUNDS}");
        assert_eq!(a + b, ROUNDS, "one of the two in every round");
        let (data_a, data_b) = (subject.data("a").len(), subject.data("b").len());
        assert_eq!((data_a as i64, data_b as i64), (a, b));
        assert_eq!(subject.data("both").len() as i64, ROUNDS);
    });
}

#[test]
fn what_was_looked_up_ahead_is_used_and_never_believed_too_long() {
    both(|subject| {
        let (mut one, mut two) = (subject.writer(), subject.writer());
        for partition in 0..3 {
            one.begin(&key(partition), &at(0)).unwrap();
        }
        let mut ahead = |expected, data: &str, following: &LedgerKey| {
            append_then(&mut *one, &key(0), expected, &[("a", data)], Some(following))
        };
        assert_eq!(stored(ahead(0, "0", &key(0))), []);
        assert_eq!(stored(ahead(1, "1", &key(1))), []);
        // Another partition than was looked up, and then that one.
        assert_eq!(stored(ahead(2, "2", &key(1))), []);
        assert_eq!(stored(append(&mut *one, &key(1), 0, &[("a", "3")])), []);
        assert_eq!(next_of(&mut *one, &key(0)), Some(3));

        // Another writer was there in between, and we don't know.
        let of = [("a", "4")];
        assert_eq!(stored(append_then(&mut *one, &key(1), 1, &of, Some(&key(2)))), []);
        assert_eq!(stored(append(&mut *two, &key(2), 0, &[("a", "5"), ("a", "6")])), []);
        assert_eq!(moved(append(&mut *one, &key(2), 0, &[("a", "wrong")])), Some(2));
        assert_eq!(stored(append(&mut *one, &key(2), 2, &[("a", "7")])), []);

        // Likewise, and we do know.
        assert_eq!(stored(append_then(&mut *one, &key(1), 2, &[("a", "8")], Some(&key(2)))), []);
        assert_eq!(stored(append(&mut *two, &key(2), 3, &[("a", "9")])), []);
        assert_eq!(stored(append(&mut *one, &key(2), 4, &[("a", "10")])), []);

        // A ledger that was not there when it was looked up.
        let of = [("a", "11")];
        assert_eq!(stored(append_then(&mut *one, &key(1), 3, &of, Some(&key(9)))), []);
        two.begin(&key(9), &at(0)).unwrap();
        assert_eq!(stored(append(&mut *one, &key(9), 0, &[("a", "12")])), []);
        let expected: Vec<String> = (0..=12).map(|n| n.to_string()).collect();
        assert_eq!(subject.data("a"), expected);
    });
}

#[test]
fn retention_keeps_the_newest() {
    for max_events in [10, 1000] {
        both_with(Retention { max_events, ..Retention::default() }, |subject| {
            let mut writer = subject.writer();
            writer.begin(&key(0), &at(0)).unwrap();
            let numbers: Vec<String> = (0..3000).map(|n| n.to_string()).collect();
            for (round, numbers) in numbers.chunks(100).enumerate() {
                let of: Vec<_> = numbers.iter().map(|n| ("a", n.as_str())).collect();
                stored(append(&mut *writer, &key(0), round as i64 * 100, &of));
            }
            let kept = subject.data("a");
            println!("{} of at most {max_events} kept", kept.len());
            assert!(kept.len() as u64 >= max_events);
            assert!(kept.len() as u64 <= max_events + max_events / 10, "{} kept", kept.len());
            assert_eq!(kept, numbers[numbers.len() - kept.len()..]);
        });
    }
}

#[test]
fn retention_removes_what_is_too_old_when_its_stream_is_written_to() {
    let second = Duration::from_secs(1);
    both_with(Retention { max_age: second, ..Retention::default() }, |subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), &at(0)).unwrap();
        stored(append(&mut *writer, &key(0), 0, &[("a", "old"), ("b", "old")]));
        let mut expected = 2;
        let mut written = vec!["old".to_string()];
        wait_until("the old one is gone", SOON, || {
            written.push(expected.to_string());
            stored(append(&mut *writer, &key(0), expected, &[("a", &written[written.len() - 1])]));
            expected += 1;
            let kept = subject.data("a");
            assert_eq!(kept, written[written.len() - kept.len()..], "the newest stay");
            (kept.first().is_some_and(|first| first != "old")).then_some(())
        });
        assert!(written.len() > 2, "it was not removed at once");
        assert_eq!(subject.data("b"), ["old"], "what nobody wrote to is as it was");
    });
}

/// Memory looks for idle streams only now and then (and says so).
#[test]
fn an_idle_stream_goes_as_a_whole_and_one_that_is_written_to_does_not() {
    let idle_expiry = Duration::from_secs(2);
    let retention = Retention { idle_expiry, ..Retention::default() };
    let subject = Subject::new("Redis", &servers().redis.url(), retention);
    let mut writer = subject.writer();
    writer.begin(&key(0), &at(0)).unwrap();
    let began = Instant::now();
    stored(append(&mut *writer, &key(0), 0, &[("idle", "1"), ("busy", "1")]));
    let mut redis = servers().redis.connect();
    let mut expected = 2;
    wait_until("the idle stream is gone", SOON, || {
        stored(append(&mut *writer, &key(0), expected, &[("busy", "more")]));
        expected += 1;
        let busy = format!("{}:{{0}}:client:busy", subject.prefix);
        let left: i64 = redis::cmd("PTTL").arg(busy).query(&mut redis).unwrap();
        assert!(left >= 1990, "a stream that was just written to has {left} ms left, not 2,000");
        subject.data("idle").is_empty().then_some(())
    });
    let took = began.elapsed();
    println!("gone after {took:?}");
    assert!(took >= idle_expiry && took < idle_expiry * 2, "gone after {took:?}");
    assert_eq!(subject.data("busy").len() as i64, expected - 1);
}

#[test]
fn pages_follow_a_cursor() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), &at(0)).unwrap();
        let of = [("a", "0"), ("a", "1"), ("a", "2"), ("a", "3"), ("b", "x")];
        stored(append(&mut *writer, &key(0), 0, &of));
        let ids: Vec<StreamId> = subject.stream("a").iter().map(|entry| entry.id).collect();
        let data = |page: &Page| -> Vec<String> {
            page.entries.iter().map(|e| String::from_utf8_lossy(&e.data).into_owned()).collect()
        };

        let end = subject.page("a", None, 10, false);
        assert_eq!((end.last, end.gap, end.entries.len()), (ids[3], None, 0));
        let nobody = subject.page("nobody", None, 10, true);
        assert_eq!((nobody.last, nobody.gap), (StreamId::default(), None));

        assert_eq!(data(&subject.page("a", Some(ids[0]), 2, false)), ["1", "2"]);
        assert_eq!(data(&subject.page("a", Some(ids[2]), 2, false)), ["3"]);
        assert_eq!(data(&subject.page("a", Some(ids[3]), 2, false)), [""; 0]);
        assert_eq!(data(&subject.page("a", Some(StreamId::default()), 1, false)), ["0"]);
        for (cursor, rest) in [(ids[0], &["1", "2", "3"][..]), (ids[3], &[])] {
            let page = subject.page("a", Some(cursor), 10, true);
            assert_eq!((data(&page), page.gap, page.last), (strings(rest), None, ids[3]));
        }
        let all = subject.page("a", Some(StreamId::default()), 10, true);
        assert_eq!((data(&all).len(), all.gap, all.last), (4, None, ids[3]));
        let limited = subject.page("a", Some(ids[0]), 1, true);
        assert_eq!((data(&limited), limited.gap), (strings(&["1"]), None));

        // Many at once, in the order asked, each its own.
        let want = |name: &str, after| Want { client: client(name), after, limit: 9, check_gap: false };
        let (start, none) = (Some(StreamId::default()), None);
        let wants = [want("b", start), want("a", Some(ids[2])), want("nobody", start), want("a", none)];
        let pages = subject.read(&wants);
        let shown: Vec<_> = pages.iter().map(data).collect();
        assert_eq!(shown, [strings(&["x"]), strings(&["3"]), vec![], vec![]]);
        assert_eq!(pages[3].last, ids[3]);
        assert_eq!(subject.read(&[]).len(), 0);
    });
}

fn strings(of: &[&str]) -> Vec<String> {
    of.iter().map(ToString::to_string).collect()
}

#[test]
fn a_cursor_that_may_have_missed_something_is_told() {
    both_with(Retention { max_events: 10, ..Retention::default() }, |subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), &at(0)).unwrap();
        let numbers: Vec<String> = (0..500).map(|n| n.to_string()).collect();
        stored(append(&mut *writer, &key(0), 0, &[("a", "first")]));
        let first = subject.stream("a")[0].id;
        for (round, numbers) in numbers.chunks(100).enumerate() {
            let of: Vec<_> = numbers.iter().map(|n| ("a", n.as_str())).collect();
            stored(append(&mut *writer, &key(0), 1 + round as i64 * 100, &of));
        }
        let kept = subject.stream("a");
        let (oldest, last) = (kept[0].id, kept[kept.len() - 1].id);
        let look = |cursor: StreamId| {
            let page = subject.page("a", Some(cursor), 1000, true);
            assert_eq!(page.last, last);
            (page.gap, page.entries.len())
        };
        let all = kept.len();
        assert_eq!(look(first), (Some(Gap::Trimmed), all));
        assert_eq!(look(StreamId::default()), (Some(Gap::Trimmed), all), "from the start");
        assert_eq!(look(oldest), (None, all - 1));
        assert_eq!(look(last), (None, 0));
        // A client from before the store lost its last writes: everything there is.
        let future = StreamId { millis: last.millis + 1_000_000, number: 0 };
        assert_eq!(look(future), (Some(Gap::Rewound), all));
        let limited = subject.page("a", Some(future), 3, true);
        assert_eq!(limited.entries.iter().map(|e| e.id).collect::<Vec<_>>(), ids(&kept[..3]));
        // No such stream any more, or never: the cursor says which.
        let reset = subject.page("gone", Some(last), 10, true);
        assert_eq!((reset.gap, reset.entries.len()), (Some(Gap::Reset), 0));
        assert_eq!(subject.page("gone", Some(StreamId::default()), 10, true).gap, None);
        // Who does not ask is not told.
        assert_eq!(subject.page("a", Some(first), 10, false).gap, None);
    });
}

fn ids(entries: &[Entry]) -> Vec<StreamId> {
    entries.iter().map(|entry| entry.id).collect()
}

#[test]
fn the_bell_begins_with_missed_and_names_exactly_the_clients_of_an_append() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), &at(0)).unwrap();
        stored(append(&mut *writer, &key(0), 0, &[("before", "1")]));
        let (mut one, mut two) = (subject.listen(), subject.listen());
        assert_eq!(subject.next(&mut one), Bell::Missed);
        assert_eq!(subject.next(&mut two), Bell::Missed);
        let of = [("a", "1"), ("b x*{}é", "2"), ("a", "3"), ("c", "4")];
        stored(append(&mut *writer, &key(0), 1, &of));
        // Filtered batches and lost races ring for nobody.
        let nothing = Append { ledger: &key(0), expected: 5, next: 6, digests: "", events: &[] };
        stored(writer.append(&nothing, None));
        moved(append(&mut *writer, &key(0), 0, &[("wrong", "1")]));
        stored(append(&mut *writer, &key(0), 6, &[("last", "1")]));
        for rung in [&mut one, &mut two] {
            for expected in [&["a", "b x*{}é", "c"][..], &["last"]] {
                let Bell::News(clients) = subject.next(rung) else { panic!("missed again") };
                let named: BTreeSet<_> = clients.iter().map(ClientId::as_str).collect();
                assert_eq!(named, expected.iter().copied().collect());
                assert_eq!(clients.len(), expected.len(), "each once");
            }
        }
    });
}

#[test]
fn interest_is_a_lease() {
    both(|subject| {
        let mut writer = subject.writer();
        let names = ["long", "short", "nobody", "long"];
        assert_eq!(writer.connected(&names).unwrap(), [false; 4]);
        subject.keep_interest(&["short"], Duration::from_millis(300));
        subject.keep_interest(&["long"], Duration::from_secs(60));
        // A shorter lease takes nothing from a longer one: two connections may hold one.
        let began = Instant::now();
        let now = writer.connected(&names).unwrap();
        assert!(now == [true, true, false, true] || began.elapsed() > Duration::from_millis(200));
        wait_until("the short lease ends", SOON, || {
            let now = writer.connected(&names).unwrap();
            assert_eq!((now[0], now[2], now[3]), (true, false, true));
            (!now[1]).then_some(())
        });
        subject.keep_interest(&["long"], Duration::from_millis(1));
        assert_eq!(writer.connected(&["long"]).unwrap(), [true]);
        subject.keep_interest(&["short"], SOON);
        assert_eq!(writer.connected(&names).unwrap(), [true, true, false, true]);
        subject.keep_interest(&[], SOON);
        assert_eq!(writer.connected(&[]).unwrap(), [false; 0]);
        let many: Vec<String> = (0..5000).map(|n| format!("client-{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        subject.keep_interest(&many, SOON);
        assert_eq!(writer.connected(&many).unwrap(), [true; 5000]);
    });
}

#[test]
fn an_event_that_redis_refuses_is_named_and_the_rest_is_stored() {
    let subject = Subject::redis(&servers().redis.url());
    let mut writer = subject.writer();
    writer.begin(&key(0), &at(0)).unwrap();
    let mut redis = servers().redis.connect();
    let bad = format!("{}:{{0}}:client:bad", subject.prefix);
    redis::cmd("SET").arg(&bad).arg("no stream").exec(&mut redis).unwrap();
    let of = [("good", "1"), ("bad", "2"), ("good", "3"), ("bad", "4"), ("other", "5")];
    let refusals = stored(append_then(&mut *writer, &key(0), 0, &of, Some(&key(0))));
    let refused: Vec<usize> = refusals.iter().map(|refusal| refusal.event).collect();
    assert_eq!(refused, [1, 3]);
    assert!(refusals.iter().all(|r| r.message.contains("WRONGTYPE")), "{refusals:?}");
    assert_eq!(subject.data("good"), ["1", "3"]);
    assert_eq!(subject.data("other"), ["5"]);
    assert_eq!(next_of(&mut *writer, &key(0)), Some(5));
    // The look ahead that rode behind is as good as ever.
    assert_eq!(stored(append(&mut *writer, &key(0), 5, &[("good", "6")])), []);
    // A reader of such a key sees nothing, and blinds nobody else.
    let want = |name| Want {
        client: client(name), after: Some(StreamId::default()), limit: 9, check_gap: true,
    };
    let pages = subject.read(&[want("bad"), want("good")]);
    assert_eq!(pages.iter().map(|page| page.entries.len()).collect::<Vec<_>>(), [0, 3]);
}

/// Redis behind a link that can be hurt.
fn linked() -> (Link, Subject) {
    let url = servers().redis.url();
    let link = Link::to(url.trim_start_matches("redis://"));
    let subject = Subject::redis(&format!("redis://{}", link.addr()));
    (link, subject)
}

/// What is stored, read past the link.
fn behind(subject: &Subject, name: &str) -> Vec<String> {
    let entries = streams(&subject.prefix).remove(name).unwrap_or_default();
    entries.into_iter().map(|entry| entry.data).collect()
}

#[test]
fn a_lost_answer_is_unknown_and_the_ledger_tells() {
    let (link, subject) = linked();
    let mut writer = subject.writer();
    writer.begin(&key(0), &at(0)).unwrap();
    // Looked up ahead, so that the next answer is the transaction's own.
    stored(append_then(&mut *writer, &key(0), 0, &[("a", "1")], Some(&key(0))));
    link.lose_answers();
    let began = Instant::now();
    let lost = append(&mut *writer, &key(0), 1, &[("a", "2")]);
    println!("{lost:?} after {:?}", began.elapsed());
    let Appended::Unknown(error) = lost else { panic!("{lost:?}") };
    assert_eq!(error.to_string(), "Redis: no answer in 5 s");
    assert!(writer.ledger(&key(0)).is_err(), "nothing is answered");
    link.cut();
    link.open();
    assert_eq!(next_of(&mut *writer, &key(0)), Some(2), "it was stored");
    assert_eq!(stored(append(&mut *writer, &key(0), 2, &[("a", "3")])), []);
    assert_eq!(subject.data("a"), ["1", "2", "3"]);
}

#[test]
fn a_lost_look_up_stores_nothing() {
    let (link, subject) = linked();
    let mut writer = subject.writer();
    writer.begin(&key(0), &at(0)).unwrap();
    stored(append(&mut *writer, &key(0), 0, &[("a", "1")]));
    link.lose_answers();
    let lost = append(&mut *writer, &key(0), 1, &[("a", "2")]);
    assert!(matches!(lost, Appended::Unavailable(_)), "{lost:?}");
    link.cut();
    link.open();
    assert_eq!(next_of(&mut *writer, &key(0)), Some(1), "nothing was stored");
    assert_eq!(stored(append(&mut *writer, &key(0), 1, &[("a", "2")])), []);
    assert_eq!(subject.data("a"), ["1", "2"]);
}

#[test]
fn a_cut_connection_is_unknown_or_unavailable_until_it_is_back() {
    let (link, subject) = linked();
    let mut writer = subject.writer();
    writer.begin(&key(0), &at(0)).unwrap();
    let mut expected = 0;
    for round in 0..20 {
        let following = key(0);
        let following = (round % 2 == 0).then_some(&following);
        let of = [("a", "good")];
        stored(append_then(&mut *writer, &key(0), expected, &of, following));
        expected += 1;
        link.cut();
        let cut = append(&mut *writer, &key(0), expected, &[("a", "cut")]);
        match cut {
            // Not sent, or into a connection that had ended.
            Appended::Unknown(_) => assert_eq!(round % 2, 0, "nothing was sent"),
            Appended::Unavailable(_) => {}
            other => panic!("{other:?}"),
        }
        assert!(writer.ledger(&key(0)).is_err());
        assert!(writer.connected(&["a"]).is_err());
        assert!(writer.begin(&key(1), &at(0)).is_err());
        let down = append(&mut *writer, &key(0), expected, &[("a", "down")]);
        assert!(matches!(down, Appended::Unavailable(_)), "{down:?}");
        link.open();
        assert_eq!(next_of(&mut *writer, &key(0)), Some(expected));
    }
    assert_eq!(behind(&subject, "a"), ["good"; 20]);
}

#[test]
fn readers_and_bells_come_back_when_redis_does() {
    let (link, subject) = linked();
    let mut writer = subject.writer();
    writer.begin(&key(0), &at(0)).unwrap();
    let mut rung = subject.listen();
    assert_eq!(subject.next(&mut rung), Bell::Missed);
    for round in 0..3 {
        stored(append(&mut *writer, &key(0), round, &[("a", "1")]));
        assert_eq!(subject.next(&mut rung), Bell::News(vec![client("a")]));
        assert_eq!(subject.data("a").len() as i64, round + 1);
        link.cut();
        let want = Want { client: client("a"), after: None, limit: 1, check_gap: false };
        let read = || subject.runtime.block_on(subject.store.read(std::slice::from_ref(&want)));
        let ping = || subject.runtime.block_on(subject.store.ping());
        assert!(read().is_err() && ping().is_err());
        link.open();
        wait_until("it answers again", SOON, || (ping().is_ok() && read().is_ok()).then_some(()));
        assert_eq!(subject.next(&mut rung), Bell::Missed, "rings may have been lost");
        // The writer finds out for itself.
        while let Appended::Unavailable(_) =
            append_then(&mut *writer, &key(1), 0, &[], None) {}
    }
}

#[test]
fn a_subscription_that_died_without_a_word_is_noticed() {
    let (link, subject) = linked();
    let mut rung = subject.listen();
    assert_eq!(subject.next(&mut rung), Bell::Missed);
    let channel = format!("{}:{{0}}:bell", subject.prefix);
    let mut redis = servers().redis.connect();
    let mut listening = || -> i64 {
        let told: (String, i64) =
            redis::cmd("PUBSUB").arg("NUMSUB").arg(&channel).query(&mut redis).unwrap();
        told.1
    };
    assert_eq!(listening(), 1);
    link.lose_answers();
    let began = Instant::now();
    wait_until("the deaf subscription is given up", SOON, || (listening() == 0).then_some(()));
    let took = began.elapsed();
    println!("given up after {took:?}");
    assert!(took < Duration::from_secs(8), "given up after {took:?}");
    link.open();
    assert_eq!(subject.next(&mut rung), Bell::Missed);
}

#[test]
fn a_redis_that_does_not_take_writes_is_unavailable_and_nothing_changes() {
    let redis = servers().own_redis(&[]);
    let subject = Subject::redis(&redis.url());
    let mut writer = subject.writer();
    writer.begin(&key(0), &at(0)).unwrap();
    let trouble: [(&str, &[&str], &[&str]); 2] = [
        ("OOM", &["CONFIG", "SET", "maxmemory", "1"], &["CONFIG", "SET", "maxmemory", "0"]),
        ("read only replica", &["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"]),
    ];
    let mut expected = 0;
    for (says, begin, end) in trouble {
        for ahead in [false, true] {
            let following = key(0);
            let following = ahead.then_some(&following);
            let of = [("a", "good")];
            stored(append_then(&mut *writer, &key(0), expected, &of, following));
            expected += 1;
            order(&redis, begin);
            for _ in 0..3 {
                match append(&mut *writer, &key(0), expected, &[("a", says), ("b", says)]) {
                    Appended::Unavailable(error) => {
                        assert!(error.to_string().contains(says), "{error} is not {says}");
                    }
                    other => panic!("{says}: {other:?}"),
                }
            }
            assert!(writer.begin(&key(7), &at(0)).is_err(), "{says}");
            order(&redis, end);
            assert_eq!(next_of(&mut *writer, &key(0)), Some(expected), "{says}");
        }
    }
    assert_eq!(stored(append(&mut *writer, &key(0), expected, &[("a", "last")])), []);
    assert_eq!(subject.data("a"), ["good", "good", "good", "good", "last"]);
    assert_eq!(subject.data("b"), [""; 0]);
}

fn order(redis: &Redis, words: &[&str]) {
    redis::cmd(words[0]).arg(&words[1..]).exec(&mut redis.connect()).unwrap();
}

#[test]
fn the_swap_log_gets_a_line_only_when_the_plugins_change() {
    let subject = Subject::redis(&servers().redis.url());
    let mut writer = subject.writer();
    writer.begin(&key(0), &at(0)).unwrap();
    let mut put = |expected, digests: &str| {
        let (ledger, events) = (key(0), events(expected, &[("a", "x")]));
        let next = expected + 1;
        let append = Append { ledger: &ledger, expected, next, digests, events: &events };
        stored(writer.append(&append, Some(&ledger)));
    };
    for (offset, digests) in ["one", "one", "two", "two", "two", "one"].iter().enumerate() {
        put(offset as i64, digests);
    }
    // Another instance, after a restart: the ledger remembers.
    let mut again = subject.writer();
    let events = events(6, &[("a", "x")]);
    let append = Append { ledger: &key(0), expected: 6, next: 7, digests: "one", events: &events };
    stored(again.append(&append, None));
    let log = format!("{}:{{0}}:swaps:g:t:0", subject.prefix);
    let lines: Vec<(String, Vec<(String, String)>)> =
        redis::cmd("XRANGE").arg(log).arg("-").arg("+").query(&mut servers().redis.connect()).unwrap();
    let fields: Vec<_> = lines.into_iter().map(|(_, fields)| fields).collect();
    let line = |from: &str, plugins: &str| {
        vec![("from".to_string(), from.to_string()), ("plugins".into(), plugins.into())]
    };
    assert_eq!(fields, [line("0", "one"), line("2", "two"), line("5", "one")]);
}

#[test]
fn keys_and_fields_are_as_documented() {
    let subject = Subject::redis(&servers().redis.url());
    let mut writer = subject.writer();
    let group = LedgerKey {
        group: "my:group".into(),
        partition: TopicPartition { topic: "my.topic".into(), partition: 7 },
    };
    writer.begin(&group, &at(40)).unwrap();
    subject.keep_interest(&["a"], SOON);
    let mut redis = servers().redis.connect();
    let key = |rest: &str| format!("{}:{{0}}:{rest}", subject.prefix);
    let mut bell = servers().redis.connect();
    let mut bell = bell.as_pubsub();
    bell.subscribe(key("bell")).unwrap();
    let event = |client: &'static str, offset, n| StreamEvent {
        client: client.as_bytes(), kind: b"order.created", data: b"{\"a\": 1}", offset, n,
    };
    let events = [event("a", 41, 0), event("a", 41, 1), event("{b}:*", 44, 0)];
    let append = Append { ledger: &group, expected: 40, next: 45, digests: "dd", events: &events };
    stored(writer.append(&append, None));

    let found: BTreeSet<String> = redis::cmd("KEYS")
        .arg(format!("{}*", subject.prefix))
        .query(&mut redis)
        .unwrap();
    let expected = [
        "client:a", "client:{b}:*", "interest", "ledger:my:group:my.topic:7",
        "swaps:my:group:my.topic:7",
    ];
    assert_eq!(found, expected.iter().map(|rest| key(rest)).collect());
    let ledger: BTreeMap<String, String> =
        redis::cmd("HGETALL").arg(key("ledger:my:group:my.topic:7")).query(&mut redis).unwrap();
    let fields = ledger.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let expected =
        [("cluster-id", "cluster-id"), ("digests", "dd"), ("next", "45"), ("topic-id", "topic-id")];
    assert_eq!(fields.collect::<Vec<_>>(), expected);
    type Entries = Vec<(String, Vec<(String, String)>)>;
    let entries: Entries =
        redis::cmd("XRANGE").arg(key("client:a")).arg("-").arg("+").query(&mut redis).unwrap();
    let fields = |source: &str| -> Vec<(String, String)> {
        let fields = [("type", "order.created"), ("data", "{\"a\": 1}"), ("source", source)];
        fields.map(|(name, value)| (name.to_string(), value.to_string())).into()
    };
    let shown: Vec<_> = entries.into_iter().map(|(_, fields)| fields).collect();
    assert_eq!(shown, [fields("my.topic/7/41/0"), fields("my.topic/7/41/1")]);
    let interest: Vec<(String, f64)> =
        redis::cmd("ZRANGE").arg(key("interest")).arg(0).arg(-1).arg("WITHSCORES")
            .query(&mut redis).unwrap();
    assert_eq!(interest.len(), 1);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let left = interest[0].1 - now.as_millis() as f64;
    assert!(interest[0].0 == "a" && left > 0.0 && left <= SOON.as_millis() as f64, "{left}");
    bell.set_read_timeout(Some(SOON)).unwrap();
    let rung: String = bell.get_message().unwrap().get_payload().unwrap();
    assert_eq!(rung, "a\n{b}:*");
    for stream in ["client:a", "client:{b}:*"] {
        let left: i64 = redis::cmd("PTTL").arg(key(stream)).query(&mut redis).unwrap();
        assert!(left >= 72 * 3600 * 1000 - 60_000, "{stream} has {left} ms left");
    }
}
