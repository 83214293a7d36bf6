//! Metrics, as Prometheus reads them.

use super::{LONG, config, note, wait_for};
use millstream_tests::{Daemon, Message, get, metrics, produce, servers, unique, wait_until};
use std::collections::BTreeMap;

/// Every metric family of a scrape with its type. Panics at anything that breaks the text format: a
/// sample outside of its family, a repeated family, a counter without `_total`, a sample that is
/// not a number.
fn families(text: &str) -> BTreeMap<String, String> {
    let mut families = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            let told = families.insert(name.to_owned(), kind.to_owned());
            assert_eq!(told, None, "{name} occurs twice");
            assert_eq!(
                kind == "counter",
                name.ends_with("_total"),
                "{name} is a {kind}"
            );
            current = name.to_owned();
        } else if !line.starts_with("# HELP ") {
            let name = line.split(['{', ' ']).next().unwrap();
            let part = name.strip_prefix(&current).expect(line);
            assert!(
                matches!(part, "" | "_bucket" | "_sum" | "_count"),
                "{line} in {current}"
            );
            let value = line.rsplit(' ').next().unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
    families
}

#[test]
fn a_scrape_is_valid_and_reports_the_progress_of_each_partition() {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("measured", 1), unique("measured"));
    kafka.create_topic_named(&format!("{topic}-dlq"), 1, &[]);
    let malformed = Message::new("no JSON").partition(0);
    produce(&topic, (0..20).map(note).chain([malformed, note(21)]));
    let daemon = Daemon::ready(&config(
        &kafka.bootstrap(),
        &redis.url(),
        &topic,
        &prefix,
        "",
    ));
    wait_for(redis, &prefix, 21);
    let admin = daemon.admin();
    let of = |name: &str, labels: &[&str]| metrics(&admin).sum(name, labels);
    let topic_label = format!("topic=\"{topic}\"");
    wait_until("the records are counted", LONG, || {
        (of("millstream_records_total", &[]) == 22.0).then_some(())
    });
    assert_eq!(of("millstream_events_total", &["pipeline=\"notes\""]), 21.0);
    assert_eq!(
        of(
            "millstream_failures_total",
            &["class=\"malformed\"", "stage=\"transform\""]
        ),
        1.0
    );
    assert_eq!(
        of("millstream_dead_letters_total", &["action=\"topic\""]),
        1.0
    );
    assert_eq!(of("millstream_ledger_offset", &[&topic_label]), 22.0);
    assert_eq!(
        of("millstream_end_offset", &[&topic_label, "partition=\"0\""]),
        22.0
    );
    assert_eq!(of("millstream_lag_records", &[&topic_label]), 0.0);
    assert_eq!(of("millstream_partition_halted", &[&topic_label]), 0.0);
    let bundled = [
        "kind=\"transform\"",
        "plugin=\"bundled:notifications\"",
        "digest=\"",
    ];
    assert_eq!(of("millstream_plugin_info", &bundled), 1.0);
    let text = get(&admin, "/metrics").text();
    let families = families(&text);
    println!("{families:#?}");
    assert!(families.len() > 10, "{text}");
    assert!(
        families.keys().all(|name| name.starts_with("millstream_")),
        "{text}"
    );
}
