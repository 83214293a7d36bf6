use super::input::Input;
use super::{LONG, Output, check_dead, check_streams, records, toml, wait_for_all};
use millstream_tests::{Daemon, metrics, servers, versioned, wait_until};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

#[test]
fn twenty_swaps_lose_and_duplicate_nothing_and_the_log_has_every_events_version() {
    swapped(20);
}

#[test]
fn a_hundred_swaps_lose_and_duplicate_nothing_and_the_log_has_every_events_version() {
    swapped(100);
}

fn swapped(swaps: usize) {
    let mut input = Input::new("swapped");
    let files = [("one", versioned("one")), ("two", versioned("two"))];
    let daemon = Daemon::builder(&toml(&input, "plugins/versioned.wasm"))
        .file("plugins/versioned.wasm", &files[0].1)
        .start();
    daemon.wait_ready(LONG);
    let plugin = daemon.dir().join("plugins/versioned.wasm");
    let began = std::time::Instant::now();
    for swap in 0..=swaps {
        let part = records() / (swaps + 1);
        let end = if swap == swaps {
            records()
        } else {
            part * (swap + 1)
        };
        input.produce(part * swap..end);
        if swap < swaps {
            // As editors do: writes a file beside it and renames it.
            let aside = plugin.with_extension("new");
            fs::write(&aside, &files[(swap + 1) % 2].1).unwrap();
            fs::rename(&aside, &plugin).unwrap();
            wait_until("the swap is complete", LONG, || {
                let done =
                    metrics(&daemon.admin()).sum("millstream_swaps_total", &["result=\"done\""]);
                (done > swap as f64).then_some(())
            });
        }
    }
    input.note();
    let output = wait_for_all(&input);
    println!("{swaps} swaps in {:?}", began.elapsed());
    check_streams(&input, &output);
    check_dead(&input, &output, true);
    let versions = files.map(|(version, wasm)| (digest(&wasm), version));
    check_versions(&input, &output, &versions.into());
}

fn digest(wasm: &[u8]) -> String {
    millstream::plugin::digest_of(wasm)
}

/// Checks that every event's version is the one that the swap log has for its offset.
fn check_versions(input: &Input, output: &Output, versions: &BTreeMap<String, &str>) {
    let log = swap_log(input);
    let mut seen = BTreeSet::new();
    for entry in output.streams.values().flatten() {
        let mut source = entry
            .source
            .split('/')
            .skip(1)
            .map(|n| n.parse::<i64>().unwrap());
        let (partition, offset) = (source.next().unwrap() as i32, source.next().unwrap());
        let (_, digest) = log[&partition]
            .range(..=offset)
            .next_back()
            .expect("the swap is in the log");
        let data: serde_json::Value = serde_json::from_str(&entry.data).unwrap();
        assert_eq!(data["version"], versions[digest], "{}", entry.source);
        seen.insert(versions[digest]);
    }
    assert_eq!(seen.len(), 2, "both versions made events");
}

/// For each partition, the offset from which each transform was in use.
fn swap_log(input: &Input) -> BTreeMap<i32, BTreeMap<i64, String>> {
    let mut redis = servers().redis.connect();
    let mut log = BTreeMap::new();
    for partition in 0..super::PARTITIONS {
        let Input { prefix, topic, .. } = input;
        let key = format!("{prefix}:{{0}}:swaps:{prefix}:{topic}:{partition}");
        let lines: Vec<(String, BTreeMap<String, String>)> = redis::cmd("XRANGE")
            .arg(key)
            .arg("-")
            .arg("+")
            .query(&mut redis)
            .unwrap();
        let line = |(_, fields): (String, BTreeMap<String, String>)| {
            let transform = fields["plugins"].split(' ').next().unwrap();
            let digest = transform
                .strip_prefix("transform=")
                .unwrap()
                .split('/')
                .next()
                .unwrap();
            (fields["from"].parse::<i64>().unwrap(), digest.to_string())
        };
        log.insert(partition, lines.into_iter().map(line).collect());
    }
    log
}
