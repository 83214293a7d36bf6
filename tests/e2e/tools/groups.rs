//! `millstream group`.

use super::{LONG, Running, USAGE, produce_lines, run};
use millstream_tests::{Message, create_topic, produce, servers, unique, wait_until};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use rustix::process::Signal;
use serde_json::json;

/// A topic of two partitions with five records each, and a group that has read all.
fn setup() -> (String, String) {
    // Kafka's retention would remove these old records.
    let kept = [("retention.ms", "-1")];
    let topic = servers().kafka.create_topic_with("grouped", 2, &kept);
    let group = unique("grouped");
    let record = |n: i32| Message {
        timestamp: Some(1_700_000_000_000 + i64::from(n)),
        ..Message::new(n.to_string()).partition(n % 2)
    };
    produce(&topic, (0..10).map(record));
    let read = run(&["consume", &topic, "-g", &group, "--from-beginning", "-e"]).done();
    assert_eq!(read.lines().count(), 10);
    (topic, group)
}

fn committed(group: &str) -> Vec<i64> {
    let described = run(&["group", "describe", group, "--json"])
        .json()
        .remove(0);
    let partitions = described["partitions"].as_array().unwrap();
    partitions
        .iter()
        .map(|p| p["committed"].as_i64().unwrap())
        .collect()
}

#[test]
fn a_group_is_described_with_its_members_and_lag() {
    let (topic, group) = setup();
    produce_lines(&topic, "more\n");
    let empty = run(&["group", "describe", &group]).done();
    assert!(
        empty.starts_with(&format!("{group}: Empty, 0 members, lag 1, ")),
        "{empty}"
    );
    assert!(
        empty.contains("PARTITION  COMMITTED  END  LAG  MEMBER"),
        "{empty}"
    );
    let reader = Running::start(&["consume", &topic, "-g", &group, "-X", "client.id=ada"]);
    assert_eq!(reader.wait_lines(1), ["more"]);
    wait_until("offsets are committed", LONG, || {
        (committed(&group).iter().sum::<i64>() == 11).then_some(())
    });
    let described = run(&["group", "describe", &group, "--json"])
        .json()
        .remove(0);
    let member = &described["members"][0];
    assert_eq!(member["client"], "ada");
    let held = [0, 1].map(|partition| json!({"topic": topic, "partition": partition}));
    assert_eq!(member["partitions"], json!(held));
    assert_eq!(described["partitions"][0]["member"], member["id"]);
    let shown = run(&["group", "describe", &group]).done();
    assert!(
        shown.contains(&format!("ada     127.0.0.1  {topic}/0,1")),
        "{shown}"
    );
    assert_eq!(reader.stop(Signal::INT), Some(0));
}

#[test]
fn a_missing_group_is_reported_with_the_nearest_name() {
    let (_, group) = setup();
    let error = run(&["group", "describe", &format!("{group}x")]).failed(1);
    assert!(
        error.contains(&format!("consumer group {group}x does not exist")),
        "{error}"
    );
    assert!(error.contains("did you mean"), "{error}");
    assert!(
        error.contains("`millstream group list` shows all groups"),
        "{error}"
    );
    let error = run(&["group", "reset", "nobody-at-all", "--to", "latest"]).failed(1);
    assert!(
        error.contains("consumer group nobody-at-all does not exist"),
        "{error}"
    );
}

#[test]
fn a_group_is_reset_to_the_requested_offsets() {
    let (topic, group) = setup();
    let reset =
        |to: &str, more: &[&str]| run(&[&["group", "reset", &group, "--to", to], more].concat());
    let tried = reset("earliest", &["--dry-run"]);
    assert!(tried.err.contains("nothing was changed"), "{tried:?}");
    let width = topic.len().max(5);
    let expected = format!(
        "{:width$}  PARTITION  FROM  TO\n{topic}          0     5   0\n{topic}          1     5   0\n",
        "TOPIC"
    );
    assert_eq!(tried.done(), expected);
    assert_eq!(committed(&group), [5, 5], "nothing was changed");
    reset("earliest", &[]).done();
    assert_eq!(committed(&group), [0, 0]);
    reset("3", &["--topic", &topic, "--partition", "1"]).done();
    assert_eq!(committed(&group), [0, 3]);
    reset("2023-11-14T22:13:20.004Z", &[]).done();
    assert_eq!(
        committed(&group),
        [2, 2],
        "the first record at or after the time"
    );
    reset("2100-01-01T00:00:00Z", &[]).done();
    assert_eq!(committed(&group), [5, 5], "all records are older");
    reset("1969-12-31T23:59:59.999Z", &[]).done();
    assert_eq!(
        committed(&group),
        [0, 0],
        "all records are later than the Unix epoch"
    );
    reset("-2", &[]).done();
    assert_eq!(committed(&group), [3, 3]);
    let told = reset("latest", &["--json"]).json();
    let first = json!({"group": group, "topic": topic, "partition": 0, "from": 3, "to": 5, "written": true});
    assert_eq!(told[0], first);
    let error = reset("6", &["--topic", &topic]).failed(1);
    assert!(error.contains("available offsets are 0 to 5"), "{error}");
    assert!(reset("3", &[]).failed(USAGE).contains("use --topic"));
    let error = reset("yesterday", &[]).failed(USAGE);
    assert!(
        error.contains("`-N` for N records before the end"),
        "{error}"
    );
    let read = run(&["consume", &topic, "-g", &group, "-e"]).done();
    assert_eq!(read, "", "and readers continue there");
}

#[test]
fn a_group_without_offsets_can_be_reset() {
    let topic = create_topic("early", 1);
    produce(&topic, (0..5).map(|n| Message::new(n.to_string())));
    let group = unique("early");
    run(&["group", "reset", &group, "--to", "3", "--topic", &topic]).done();
    let read = run(&["consume", &topic, "-g", &group, "-e"]).done();
    assert_eq!(read, "3\n4\n");
}

/// The mark is the metadata that a daemon commits with its offsets.
#[test]
fn resetting_a_pipelines_group_needs_force() {
    let (topic, group) = setup();
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", servers().kafka.bootstrap())
        .set("group.id", &group)
        .create()
        .unwrap();
    let mut list = TopicPartitionList::new();
    let mut element = list.add_partition(&topic, 0);
    element.set_offset(Offset::Offset(4)).unwrap();
    element.set_metadata("millstream cluster topic");
    consumer.commit(&list, CommitMode::Sync).unwrap();
    for more in [&[][..], &["--dry-run"], &["--topic", &topic]] {
        let reset = [&["group", "reset", &group, "--to", "earliest"], more].concat();
        let error = run(&reset).failed(1);
        let says = format!("which reads {topic} from the offset in its ledger");
        assert!(error.contains(&says), "{error}");
        let command = format!("`millstream offsets set --topic {topic} --to ...`");
        assert!(error.contains(&command), "{error}");
    }
    assert_eq!(committed(&group), [4, 5], "nothing was changed");
    run(&["group", "reset", &group, "--to", "earliest", "--force"]).done();
    assert_eq!(committed(&group), [0, 0]);
}

#[test]
fn a_group_with_members_is_not_reset() {
    let (topic, group) = setup();
    let reader = Running::start(&["consume", &topic, "-g", &group]);
    produce_lines(&topic, "more\n");
    reader.wait_lines(1);
    for more in [&[][..], &["--dry-run"]] {
        let error =
            run(&[&["group", "reset", &group, "--to", "earliest"], more].concat()).failed(1);
        assert!(
            error.contains(&format!("consumer group {group} has 1 active member")),
            "{error}"
        );
        assert!(error.contains("stop it, then try again"), "{error}");
    }
    assert_eq!(reader.stop(Signal::INT), Some(0));
    run(&["group", "reset", &group, "--to", "earliest"]).done();
    assert_eq!(committed(&group), [0, 0]);
}
