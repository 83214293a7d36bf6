//! A swap while the plugins process a batch.

use super::{Fixture, LONG, counted};
use millstream_tests::{Message, produce, servers, streams, versioned, wait_until};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs;

const RECORDS: i64 = 128;

/// The swap log's entries: id and fields.
type Lines = Vec<(String, HashMap<String, String>)>;

#[test]
fn a_running_batch_keeps_its_plugins_and_the_next_batch_uses_the_new_ones() {
    let place = Fixture::new(1);
    // Generous, because the test is about which plugin answers, not how fast.
    let pipeline = "batch = { max-records = 64 }
transform = { plugin = \"plugins/p.wasm\", limits = { cpu-per-record = \"10s\" } }";
    let (slow, one) = (versioned("slow"), versioned("one"));
    let daemon = place.daemon(pipeline, &one);
    let file = daemon.dir().join("plugins/p.wasm");
    // Both versions are compiled beforehand, so that the swap is quick.
    let mut swaps = 0.0;
    let mut swap = |wasm: &[u8]| {
        swaps += 1.0;
        let aside = file.with_extension("new");
        fs::write(&aside, wasm).unwrap();
        fs::rename(&aside, &file).unwrap();
        wait_until("the swap is complete", LONG, || {
            let done = counted(&daemon, "millstream_swaps_total", &["result=\"done\""]);
            (done == swaps).then_some(())
        });
    };
    swap(&slow);
    let calls = || counted(&daemon, "millstream_plugin_calls_total", &["p.wasm\""]);
    let before = calls();
    let value = |n| json!({ "eventId": format!("{n}"), "clientId": "ada" }).to_string();
    produce(
        &place.topic,
        (0..RECORDS).map(|n| Message::new(value(n)).partition(0)),
    );
    wait_until("the plugins process a batch", LONG, || {
        (calls() > before).then_some(())
    });
    swap(&one);
    let stored = place.sources("ada");
    assert_eq!(
        stored.len(),
        0,
        "the batch was stored before the swap was complete"
    );

    let entries = wait_until("every record is processed", LONG, || {
        let entries = streams(&place.prefix).remove("ada")?;
        (entries.len() >= RECORDS as usize).then_some(entries)
    });
    let versions = entries.iter().map(|entry| {
        let data: Value = serde_json::from_str(&entry.data).unwrap();
        data["version"].as_str().unwrap().to_owned()
    });
    let versions: Vec<_> = versions.collect();
    let of_slow = versions.iter().filter(|version| *version == "slow").count();
    println!("{of_slow} of {RECORDS} records were in the plugins");
    assert!((1..=64).contains(&of_slow), "{of_slow} of the old version");
    assert!(versions[..of_slow].iter().all(|version| version == "slow"));
    assert!(versions[of_slow..].iter().all(|version| version == "one"));

    let Fixture { prefix, topic, .. } = &place;
    let key = format!("{prefix}:{{0}}:swaps:{prefix}:{topic}:0");
    let mut redis = servers().redis.connect();
    let mut range = redis::cmd("XRANGE");
    let log: Lines = range.arg(key).arg("-").arg("+").query(&mut redis).unwrap();
    let from: Vec<_> = log
        .iter()
        .map(|(_, fields)| fields["from"].clone())
        .collect();
    assert_eq!(from, ["0".to_owned(), of_slow.to_string()]);
    assert_eq!(daemon.terminate(), Some(0));
}
