//! What other programs may read: keys, fields, the swap log.

use super::{SOON, Subject, at, batch, events, key, stored};
use millstream::record::{StateValue, StreamKind, TopicPartition};
use millstream::store::{Append, LedgerKey, NewValue, StreamEvent};
use millstream_tests::servers;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn the_swap_log_gets_an_entry_only_when_plugins_change() {
    let subject = Subject::redis(&servers().redis.url());
    let mut writer = subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    let mut put = |expected, digests: &str| {
        let (ledger, events) = (key(0), events(expected, &[("a", "x")]));
        let next = expected + 1;
        let mut append = Append {
            digests,
            ..batch(&ledger, expected, next, &events)
        };
        stored(writer.append(&mut append, Some(&ledger)));
    };
    for (offset, digests) in ["one", "one", "two", "two", "two", "one"]
        .iter()
        .enumerate()
    {
        put(offset as i64, digests);
    }
    // Another instance, after a restart: the ledger remembers the plugins.
    let mut again = subject.writer();
    let (ledger, events) = (key(0), events(6, &[("a", "x")]));
    let mut append = Append {
        digests: "one",
        ..batch(&ledger, 6, 7, &events)
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
fn keys_and_fields_match_the_documentation() {
    let subject = Subject::redis(&servers().redis.url());
    let mut writer = subject.writer();
    let group = LedgerKey {
        group: "my:group".into(),
        partition: TopicPartition {
            topic: "my.topic".into(),
            partition: 7,
        },
    };
    writer.begin(&group, None, &at(40), false).unwrap();
    subject.keep_interest(&["a"], SOON);
    let mut redis = servers().redis.connect();
    let key = |rest: &str| format!("{}:{{0}}:{rest}", subject.prefix);
    let mut bell = servers().redis.connect();
    let mut bell = bell.as_pubsub();
    bell.subscribe(key("bell")).unwrap();
    let event = |to, name: &'static str, offset, n| StreamEvent {
        to,
        name: name.as_bytes(),
        kind: b"order.created",
        data: b"{\"a\": 1}",
        offset,
        n,
        replay: None,
        task: None,
    };
    let (client, all) = (StreamKind::Client, StreamKind::Group);
    let events = [
        event(client, "a", 41, 0),
        event(client, "a", 41, 1),
        event(client, "{b}:*", 44, 0),
        event(all, "a", 44, 1),
    ];
    let values = [NewValue {
        key: "k".into(),
        value: Some(StateValue {
            bytes: "v".into(),
            expires: 77,
        }),
        before: None,
    }];
    let mut append = Append {
        digests: "dd",
        suppressed: &[b"away"],
        reports: &[],
        clock: 55,
        keeps_state: true,
        values: &values,
        ..batch(&group, 40, 45, &events)
    };
    stored(writer.append(&mut append, None));
    subject.revoke("a", 1_700_000_000);
    subject.disconnect("a");

    let found: BTreeSet<String> = redis::cmd("KEYS")
        .arg(format!("{}*", subject.prefix))
        .query(&mut redis)
        .unwrap();
    let expected = [
        "client:a",
        "client:{b}:*",
        "expiry:my:group:my.topic:7",
        "group:a",
        "interest",
        "ledger:my:group:my.topic:7",
        "revoked",
        "swaps:my:group:my.topic:7",
        "withheld",
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
        ("clock", "55"),
        ("cluster-id", "cluster-id"),
        ("digests", "dd"),
        ("next", "45"),
        ("topic-id", "topic-id"),
        ("v:k", "\0\0\0\0\0\0\0\x4dv"),
    ];
    assert_eq!(fields.collect::<Vec<_>>(), expected);
    type Entries = Vec<(String, Vec<(String, String)>)>;
    let mut entries_of = |stream: &str| -> Vec<Vec<(String, String)>> {
        let mut range = redis::cmd("XRANGE");
        range.arg(key(stream)).arg("-").arg("+");
        let entries: Entries = range.query(&mut redis).unwrap();
        entries.into_iter().map(|(_, fields)| fields).collect()
    };
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
    assert_eq!(
        entries_of("client:a"),
        [fields("my.topic/7/41/0"), fields("my.topic/7/41/1")]
    );
    assert_eq!(entries_of("group:a"), [fields("my.topic/7/44/1")]);
    let mut scores = |set: &str| -> Vec<(String, f64)> {
        let mut range = redis::cmd("ZRANGE");
        range.arg(key(set)).arg(0).arg(-1).arg("WITHSCORES");
        range.query(&mut redis).unwrap()
    };
    let interest = scores("interest");
    assert_eq!(interest.len(), 1);
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let left = interest[0].1 - now.as_millis() as f64;
    assert!(
        interest[0].0 == "a" && left > 0.0 && left <= SOON.as_millis() as f64,
        "{left}"
    );
    let suppressed = scores("withheld");
    assert_eq!(suppressed.len(), 1);
    let since = now.as_millis() as f64 - suppressed[0].1;
    assert!(
        suppressed[0].0 == "away" && (0.0..60_000.0).contains(&since),
        "{since}"
    );
    assert_eq!(scores("revoked"), [("a".to_string(), 1_700_000_000.0)]);
    bell.set_read_timeout(Some(SOON)).unwrap();
    let mut rung = || -> String { bell.get_message().unwrap().get_payload().unwrap() };
    assert_eq!(rung(), "a\n{b}:*\n\x01a");
    assert_eq!(rung(), "\x03a\x031700000000");
    assert_eq!(rung(), "\x02a");
    for stream in ["client:a", "client:{b}:*", "group:a"] {
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
