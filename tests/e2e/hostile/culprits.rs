//! A record that makes the plugin misbehave fails, and no other record does.

use super::{Scene, bare, dressed};
use millstream_tests::{Consumed, metrics, produce, read_all, servers};
use std::collections::BTreeMap;
use std::time::Instant;

/// The record's value, the class of the failure, and a part of its message.
const CULPRITS: [(&str, &str, &str); 22] = [
    ("trap", "trap", "unreachable"),
    ("trap quietly", "trap", "unreachable"),
    ("loop", "timeout", "CPU time"),
    ("grow", "out-of-memory", "exceeded its memory limit"),
    ("recurse", "trap", "the plugin trapped"),
    ("span outside", "bad-output", "payload lies outside"),
    ("absent payload", "bad-output", "payload lies outside"),
    (
        "wrong record",
        "bad-output",
        "record 1000000, but the call had 1",
    ),
    ("empty client", "bad-output", "client id is empty"),
    (
        "control client",
        "bad-output",
        "control character at byte 1",
    ),
    ("long client", "bad-output", "257 bytes"),
    ("empty group", "bad-output", "group name is empty"),
    (
        "control group",
        "bad-output",
        "group name contains a control character at byte 1",
    ),
    ("long group", "bad-output", "group name has 257 bytes"),
    ("bytes group", "bad-output", "group name is not UTF-8"),
    ("outside group", "bad-output", "address lies outside"),
    ("empty task", "bad-output", "task id is empty"),
    ("unknown address", "unaddressable", "address kind 3"),
    (
        "reserved type",
        "bad-output",
        "the event type `gap` is reserved",
    ),
    ("bad payload", "bad-output", "not UTF-8 at byte 0"),
    ("many", "too-large", ""),
    ("huge", "too-large", "bytes of events"),
];

#[test]
fn each_harmful_record_fails_alone_with_its_class_and_all_its_bytes() {
    // Enough for all but the loop, on a slow machine as well.
    let scene = Scene::limited(1, "", "cpu-per-batch = \"5s\"");
    let mut messages = Vec::new();
    let mut good = Vec::new();
    for (index, (culprit, ..)) in CULPRITS.iter().enumerate() {
        for place in ["before", "right before"] {
            good.push(format!("{place} {culprit}"));
            messages.push(bare(good[good.len() - 1].as_bytes()));
        }
        messages.push(if index % 2 == 0 {
            dressed(*culprit)
        } else {
            bare(*culprit)
        });
    }
    good.push("after all".to_owned());
    messages.push(dressed("after all"));
    let began = Instant::now();
    produce(&scene.topic, messages);
    let originals = read_all(&scene.topic);
    let (stored, dead) = scene.wait_for(good.len(), CULPRITS.len());
    println!(
        "{} culprits among {} good ones: {:?}",
        dead.len(),
        stored.len(),
        began.elapsed()
    );

    let of = |payload: &String| {
        let found = originals
            .iter()
            .find(|o| o.text() == payload)
            .expect("produced");
        format!("{}/0/{}/0", scene.topic, found.offset)
    };
    let expected: Vec<_> = good
        .iter()
        .map(|payload| (payload.clone(), of(payload)))
        .collect();
    assert_eq!(stored, expected, "the good records, once and in order");
    let letters: BTreeMap<_, _> = dead.iter().map(|letter| (letter.text(), letter)).collect();
    assert_eq!(
        (dead.len(), letters.len()),
        (CULPRITS.len(), CULPRITS.len()),
        "one letter each"
    );
    for (culprit, class, says) in CULPRITS {
        let original = originals
            .iter()
            .find(|o| o.text() == culprit)
            .expect("produced");
        let letter = letters.get(culprit).expect("the record has a dead letter");
        println!("{culprit}: {:?}", letter.header("millstream.error.message"));
        scene.check_letter(original, letter, class, says);
    }
    let order: Vec<_> = dead.iter().map(Consumed::text).collect();
    assert_eq!(
        order,
        CULPRITS.map(|(culprit, ..)| culprit),
        "dead letters are in order"
    );
    let counted = metrics(&scene.daemon.admin());
    assert_eq!(
        counted.sum("millstream_failures_total", &[]),
        CULPRITS.len() as f64
    );
    assert_eq!(
        counted.sum("millstream_failures_total", &["class=\"timeout\""]),
        1.0
    );
    assert_eq!(
        counted.sum("millstream_dead_letters_total", &["action=\"topic\""]),
        CULPRITS.len() as f64
    );
    // A client or group name from the plugin never becomes another key.
    let mut keys: Vec<String> = redis::cmd("KEYS")
        .arg(format!("{}*", scene.prefix))
        .query(&mut servers().redis.connect())
        .unwrap();
    keys.sort();
    let Scene { prefix, topic, .. } = &scene;
    let key = |rest: &str| format!("{prefix}:{{0}}:{rest}");
    let of_partition = |what: &str| key(&format!("{what}:{prefix}:{topic}:0"));
    assert_eq!(
        keys,
        [
            key("client:victim"),
            of_partition("ledger"),
            key(&format!("partitions:{prefix}:{topic}")),
            of_partition("swaps")
        ]
    );
    assert_eq!(scene.daemon.terminate(), Some(0));
}

#[test]
fn harmful_records_fail_alone_in_small_batches() {
    let scene = Scene::new(1, "max-records = 7");
    let value = |n: usize| match n % 10 {
        3 => "trap".to_owned(),
        8 => "wrong record".to_owned(),
        _ => format!("good {n}"),
    };
    produce(&scene.topic, (0..500).map(|n| bare(value(n))));
    let (stored, dead) = scene.wait_for(400, 100);
    let good: Vec<String> = (0..500)
        .map(value)
        .filter(|v| v.starts_with("good"))
        .collect();
    let data: Vec<_> = stored.into_iter().map(|(data, _)| data).collect();
    assert_eq!(data, good);
    let offsets = dead.iter().map(|l| {
        l.header("millstream.error.offset")
            .unwrap()
            .parse()
            .unwrap()
    });
    let offsets: Vec<usize> = offsets.collect();
    let culprits: Vec<usize> = (0..500).filter(|n| matches!(n % 10, 3 | 8)).collect();
    assert_eq!(offsets, culprits);
    assert_eq!(scene.daemon.terminate(), Some(0));
}
