//! What other programs may read: keys, fields, the swap log.

use super::{SOON, Subject, at, events, key, stored};
use millstream::record::TopicPartition;
use millstream::store::{Append, Exchange, LedgerKey, StreamEvent};
use millstream_tests::servers;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn the_swap_log_gets_a_line_only_when_the_plugins_change() {
    let subject = Subject::redis(&servers().redis.url());
    let mut writer = subject.writer();
    writer.begin(&key(0), None, &at(0)).unwrap();
    let mut put = |expected, digests: &str| {
        let (ledger, events) = (key(0), events(expected, &[("a", "x")]));
        let next = expected + 1;
        let mut append = Append {
            ledger: &ledger,
            exchange: Exchange::new(expected, next),
            attempts: 0,
            digests,
            events: &events,
        };
        stored(writer.append(&mut append, Some(&ledger)));
    };
    for (offset, digests) in ["one", "one", "two", "two", "two", "one"]
        .iter()
        .enumerate()
    {
        put(offset as i64, digests);
    }
    // Another instance, after a restart: the ledger remembers.
    let mut again = subject.writer();
    let events = events(6, &[("a", "x")]);
    let mut append = Append {
        ledger: &key(0),
        exchange: Exchange::new(6, 7),
        attempts: 0,
        digests: "one",
        events: &events,
    };
    stored(again.append(&mut append, None));
    let log = format!("{}:{{0}}:swaps:g:t:0", subject.prefix);
    let lines: Vec<(String, Vec<(String, String)>)> = redis::cmd("XRANGE")
        .arg(log)
        .arg("-")
        .arg("+")
        .query(&mut servers().redis.connect())
        .unwrap();
    let fields: Vec<_> = lines.into_iter().map(|(_, fields)| fields).collect();
    let line = |from: &str, plugins: &str| {
        vec![
            ("from".to_string(), from.to_string()),
            ("plugins".into(), plugins.into()),
        ]
    };
    assert_eq!(
        fields,
        [line("0", "one"), line("2", "two"), line("5", "one")]
    );
}

#[test]
fn keys_and_fields_are_as_documented() {
    let subject = Subject::redis(&servers().redis.url());
    let mut writer = subject.writer();
    let group = LedgerKey {
        group: "my:group".into(),
        partition: TopicPartition {
            topic: "my.topic".into(),
            partition: 7,
        },
    };
    writer.begin(&group, None, &at(40)).unwrap();
    subject.keep_interest(&["a"], SOON);
    let mut redis = servers().redis.connect();
    let key = |rest: &str| format!("{}:{{0}}:{rest}", subject.prefix);
    let mut bell = servers().redis.connect();
    let mut bell = bell.as_pubsub();
    bell.subscribe(key("bell")).unwrap();
    let event = |client: &'static str, offset, n| StreamEvent {
        client: client.as_bytes(),
        kind: b"order.created",
        data: b"{\"a\": 1}",
        offset,
        n,
        replay: None,
    };
    let events = [event("a", 41, 0), event("a", 41, 1), event("{b}:*", 44, 0)];
    let mut append = Append {
        ledger: &group,
        exchange: Exchange::new(40, 45),
        attempts: 0,
        digests: "dd",
        events: &events,
    };
    stored(writer.append(&mut append, None));

    let found: BTreeSet<String> = redis::cmd("KEYS")
        .arg(format!("{}*", subject.prefix))
        .query(&mut redis)
        .unwrap();
    let expected = [
        "client:a",
        "client:{b}:*",
        "interest",
        "ledger:my:group:my.topic:7",
        "swaps:my:group:my.topic:7",
    ];
    assert_eq!(found, expected.iter().map(|rest| key(rest)).collect());
    let ledger: BTreeMap<String, String> = redis::cmd("HGETALL")
        .arg(key("ledger:my:group:my.topic:7"))
        .query(&mut redis)
        .unwrap();
    let fields = ledger
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let expected = [
        ("attempts", "0"),
        ("cluster-id", "cluster-id"),
        ("digests", "dd"),
        ("next", "45"),
        ("topic-id", "topic-id"),
    ];
    assert_eq!(fields.collect::<Vec<_>>(), expected);
    type Entries = Vec<(String, Vec<(String, String)>)>;
    let entries: Entries = redis::cmd("XRANGE")
        .arg(key("client:a"))
        .arg("-")
        .arg("+")
        .query(&mut redis)
        .unwrap();
    let fields = |source: &str| -> Vec<(String, String)> {
        let fields = [
            ("type", "order.created"),
            ("data", "{\"a\": 1}"),
            ("source", source),
        ];
        fields
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .into()
    };
    let shown: Vec<_> = entries.into_iter().map(|(_, fields)| fields).collect();
    assert_eq!(
        shown,
        [fields("my.topic/7/41/0"), fields("my.topic/7/41/1")]
    );
    let interest: Vec<(String, f64)> = redis::cmd("ZRANGE")
        .arg(key("interest"))
        .arg(0)
        .arg(-1)
        .arg("WITHSCORES")
        .query(&mut redis)
        .unwrap();
    assert_eq!(interest.len(), 1);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let left = interest[0].1 - now.as_millis() as f64;
    assert!(
        interest[0].0 == "a" && left > 0.0 && left <= SOON.as_millis() as f64,
        "{left}"
    );
    bell.set_read_timeout(Some(SOON)).unwrap();
    let rung: String = bell.get_message().unwrap().get_payload().unwrap();
    assert_eq!(rung, "a\n{b}:*");
    for stream in ["client:a", "client:{b}:*"] {
        let left: i64 = redis::cmd("PTTL")
            .arg(key(stream))
            .query(&mut redis)
            .unwrap();
        assert!(
            left >= 72 * 3600 * 1000 - 60_000,
            "{stream} has {left} ms left"
        );
    }
}
