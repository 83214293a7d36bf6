//! `millstream topic`.

use super::{LONG, USAGE, produce_lines, run, run_at, run_unread, said};
use millstream_tests::{Daemon, find_program, scratch_dir, servers, unique, wait_until};
use serde_json::json;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

fn names() -> Vec<String> {
    let listed = run(&["topic", "list", "--json"]).json();
    let name = |topic: &serde_json::Value| topic["topic"].as_str().unwrap().to_owned();
    listed.iter().map(name).collect()
}

#[test]
fn a_topic_is_created_listed_described_and_deleted() {
    let topic = unique("made");
    let made = run(&[
        "topic",
        "create",
        &topic,
        "-p",
        "3",
        "-r",
        "1",
        "--set",
        "retention.ms=1000",
    ]);
    let expected = format!("{topic} created: 3 partitions, replication factor 1\n");
    assert_eq!(made.done(), expected);
    assert!(names().contains(&topic));
    produce_lines(&topic, "a\nb\nc\n");
    let shown = run(&["topic", "describe", &topic]).done();
    assert!(
        shown.contains("PARTITION  LEADER  REPLICAS  IN-SYNC  EARLIEST  LATEST"),
        "{shown}"
    );
    assert!(
        shown.contains("retention.ms         1000   topic"),
        "{shown}"
    );
    let described = run(&["topic", "describe", &topic, "--json"])
        .json()
        .remove(0);
    assert_eq!(
        described["configs"]["retention.ms"],
        json!({"value": "1000", "set-by": "topic"})
    );
    let partitions = described["partitions"].as_array().unwrap();
    let held = partitions
        .iter()
        .map(|p| p["latest"].as_i64().unwrap() - p["earliest"].as_i64().unwrap());
    assert_eq!((partitions.len(), held.sum::<i64>()), (3, 3));
    assert_eq!(partitions[0]["in-sync"], json!([1]));
    assert_eq!(
        run(&["topic", "delete", &topic, "--yes"]).done(),
        format!("{topic} deleted\n")
    );
    wait_until("the topic is deleted", LONG, || {
        (!names().contains(&topic)).then_some(())
    });
}

#[test]
fn an_existing_topic_is_an_error_unless_allowed() {
    let topic = servers().kafka.create_topic("there", 2);
    let error = run(&["topic", "create", &topic]).failed(1);
    assert!(error.contains("already exists; --if-not-exists"), "{error}");
    let taken = run(&["topic", "create", &topic, "-p", "9", "--if-not-exists"]).done();
    assert_eq!(
        taken,
        format!("{topic} already exists: 2 partitions, replication factor 1\n")
    );
}

#[test]
fn kafkas_reason_against_a_topic_is_shown() {
    for (arguments, says) in [
        (
            &["a/b"][..],
            "can't create the topic a/b: Topic name is invalid",
        ),
        (&["copies", "-r", "5"], "only 1 broker(s) are registered"),
        (
            &["set", "--set", "foo=bar"],
            "Unknown topic config name: foo",
        ),
        (
            &["set", "--set", "retention.ms=soon"],
            "Invalid value soon for configuration retention.ms",
        ),
    ] {
        let error = run(&[&["topic", "create"], arguments].concat()).failed(1);
        assert!(error.contains(says), "{error}");
        // The same as a dry run.
        let tried = run(&[&["topic", "create", "--dry-run"], arguments].concat()).failed(1);
        assert!(tried.contains(says), "{tried}");
    }
    let topic = unique("dry");
    let tried = run(&["topic", "create", &topic, "--dry-run"]).done();
    assert_eq!(tried, format!("{topic} can be created\n"));
    let tried = run(&["topic", "create", &topic, "--dry-run", "--json"]).json();
    assert_eq!(
        tried,
        [json!({"topic": topic, "created": true, "written": false})]
    );
    assert!(!names().contains(&topic));
    run(&["topic", "create", &topic, "-p", "0"]).failed(USAGE);
    run(&["topic", "create"]).failed(USAGE);
}

#[test]
fn a_missing_topic_is_reported_with_the_nearest_name_and_not_created() {
    let kafka = servers().own_kafka(&["auto.create.topics.enable=true"]);
    let servers = kafka.bootstrap();
    kafka.create_topic_named("letters", 1, &[]);
    let says = "topic leters does not exist; did you mean letters? If not, create it with \
                `millstream topic create leters`\n";
    for arguments in [
        &["topic", "describe", "leters"][..],
        &["topic", "alter", "leters", "-p", "2"],
        &["produce", "leters"],
        &["consume", "leters", "--exit"],
        &["consume", "leters", "-g", "readers"],
        &[
            "group", "reset", "readers", "--to", "latest", "--topic", "leters",
        ],
    ] {
        let error = run_at(&servers, arguments, b"a line\n").failed(1);
        assert_eq!(error, format!("millstream: {says}"), "{arguments:?}");
    }
    // A deletion does not suggest creating the topic.
    let error = run_at(&servers, &["topic", "delete", "leters", "--yes"], b"").failed(1);
    let says = "topic leters does not exist; did you mean letters? Nothing was deleted\n";
    assert_eq!(error, format!("millstream: {says}"));
    let listed = run_at(&servers, &["topic", "list"], b"").done();
    assert_eq!(
        listed,
        "TOPIC    PARTITIONS  REPLICATION\nletters           1            1\n"
    );
}

#[test]
fn a_closed_output_does_not_stop_creating_and_deleting_topics() {
    let topics = ["a", "b", "c"].map(unique);
    let with = |verb: &'static str, more: &'static str| {
        let names = topics.iter().map(String::as_str);
        let arguments = ["topic", verb, more].into_iter().chain(names);
        run_unread(&arguments.collect::<Vec<_>>()).done();
    };
    let there = || {
        let names = names();
        topics.iter().filter(|topic| names.contains(topic)).count()
    };
    with("create", "--partitions=1");
    assert_eq!(there(), 3);
    with("delete", "--yes");
    wait_until("all are gone", LONG, || (there() == 0).then_some(()));
}

#[test]
fn a_topic_that_is_deleted_during_a_listing_is_left_out() {
    let kafka = servers().own_kafka(&[]);
    let servers = kafka.bootstrap();
    kafka.create_topic_named("stays", 1, &[]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..4 {
                let names: Vec<String> = (0..50).map(|number| format!("goes-{number}")).collect();
                let with = |verb, more: &[&str]| {
                    let names = names.iter().map(String::as_str);
                    let arguments = ["topic", verb].into_iter().chain(more.iter().copied());
                    run_at(&servers, &arguments.chain(names).collect::<Vec<_>>(), b"").done();
                };
                with("create", &["--if-not-exists"]);
                with("delete", &["--yes"]);
            }
            done.store(true, Ordering::Release);
        });
        let lister = || {
            while !done.load(Ordering::Acquire) {
                let listed = run_at(&servers, &["topic", "list"], b"").done();
                assert!(listed.contains("stays"), "{listed}");
            }
        };
        for _ in 0..3 {
            scope.spawn(lister);
        }
    });
}

#[test]
fn an_impossible_change_changes_nothing() {
    let topic = servers().kafka.create_topic("halved", 2);
    let alter = |more: &[&str]| run(&[&["topic", "alter", &topic], more].concat()).failed(1);
    let error = alter(&["--set", "retention.ms=1000", "--partitions", "2"]);
    assert!(error.contains("already has 2 partitions"), "{error}");
    // More than Kafka creates at once.
    alter(&["--set", "retention.ms=1000", "--partitions", "2000000"]);
    alter(&["--set", "retention.ms=soon", "--partitions", "3"]);
    let described = run(&["topic", "describe", &topic, "--json"])
        .json()
        .remove(0);
    assert_ne!(described["configs"]["retention.ms"]["set-by"], "topic");
    assert_eq!(described["partitions"].as_array().unwrap().len(), 2);
}

#[test]
fn altering_changes_only_the_named_settings() {
    let kafka = &servers().kafka;
    let before = [
        ("retention.ms", "1000"),
        ("cleanup.policy", "delete"),
        ("segment.ms", "60000"),
    ];
    let topic = kafka.create_topic_with("altered", 2, &before);
    let alter = |more: &[&str]| run(&[&["topic", "alter", &topic], more].concat());
    let configs = || {
        let described = run(&["topic", "describe", &topic, "--json"])
            .json()
            .remove(0);
        let mut configs = described["configs"].as_object().unwrap().clone();
        configs.retain(|_, config| config["set-by"] == "topic");
        json!(
            configs
                .into_iter()
                .map(|(name, config)| (name, config["value"].clone()))
                .collect::<serde_json::Map<_, _>>()
        )
    };
    let tried = alter(&["--set", "retention.ms=2000", "--dry-run"]).done();
    assert_eq!(tried, format!("{topic} can be changed: 1 setting\n"));
    assert_eq!(configs()["retention.ms"], "1000");
    let done = alter(&[
        "--set",
        "retention.ms=2000",
        "--append",
        "cleanup.policy=compact",
        "--unset",
        "segment.ms",
    ]);
    assert_eq!(done.done(), format!("{topic} changed: 3 settings\n"));
    wait_until("the topic is known", LONG, || {
        (configs()["retention.ms"] == "2000").then_some(())
    });
    assert_eq!(
        configs(),
        json!({"retention.ms": "2000", "cleanup.policy": "delete,compact"})
    );
    let error = alter(&["--set", "foo=bar"]).failed(1);
    assert!(
        error.contains("can't change the configuration of the topic"),
        "{error}"
    );
    assert!(alter(&[]).failed(USAGE).contains("nothing to change: use"));
    for more in [&[][..], &["--dry-run"], &["--json"]] {
        let error = alter(&[&["--unset", "retention.m"], more].concat()).failed(1);
        let says = "unknown setting retention.m; did you mean retention.ms?";
        assert!(error.contains(says), "{error}");
    }
    assert_eq!(configs()["retention.ms"], "2000");
}

#[test]
fn adding_partitions_warns_that_keys_move() {
    let topic = servers().kafka.create_topic("grown", 2);
    let grown = run(&["topic", "alter", &topic, "--partitions", "4"]);
    assert!(
        grown
            .err
            .contains("with 4 partitions instead of 2, keys map to other"),
        "{grown:?}"
    );
    assert_eq!(
        grown.done(),
        format!("{topic} changed: 2 to 4 partitions\n")
    );
    let error = run(&["topic", "alter", &topic, "-p", "3"]).failed(1);
    assert!(
        error.contains("already has 4 partitions; Kafka can only add"),
        "{error}"
    );
}

#[test]
fn deleting_prompts_on_a_terminal_and_is_refused_without_one() {
    let topic = servers().kafka.create_topic("asked", 1);
    produce_lines(&topic, "a\nb\n");
    let error = run(&["topic", "delete", &topic]).failed(USAGE);
    assert!(
        error.contains("deleting can't be undone, use --yes"),
        "{error}"
    );
    let refused = at_terminal(&topic, "n\n");
    assert!(
        refused.contains("1 partition, up to 2 records"),
        "{refused}"
    );
    assert!(refused.contains("nothing was deleted"), "{refused}");
    assert!(names().contains(&topic));
    let deleted = at_terminal(&topic, "y\n");
    assert!(deleted.contains(&format!("{topic} deleted")), "{deleted}");
}

/// What `millstream topic delete` shows on a terminal after this input.
fn at_terminal(topic: &str, typed: &str) -> String {
    let mut command = Command::new(find_program("script"));
    let program = Daemon::program();
    let line = format!("{} topic delete {topic}", program.display());
    command.args(["-q", "-e", "-c", &line, "/dev/null"]);
    command.current_dir(scratch_dir("terminal"));
    command.env("MILLSTREAM_BOOTSTRAP_SERVERS", servers().kafka.bootstrap());
    said(command, typed.as_bytes()).out
}
