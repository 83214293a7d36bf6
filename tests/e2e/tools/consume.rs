//! `millstream consume`.

use super::{LONG, Running, USAGE, produce_lines, run, run_at};
use millstream_tests::{
    Daemon, Kafka, Log, Message, Process, create_topic, find_program, produce, read_all, servers,
    unique, wait_until,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

fn lines(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|n| format!("{n}\n")).collect()
}

/// The group, once it exists.
fn group(name: &str) -> Value {
    wait_until(&format!("a group {name}"), LONG, || {
        let said = run(&["group", "describe", name, "--json"]);
        (said.code == Some(0)).then(|| said.json().remove(0))
    })
}

#[test]
fn consume_reads_the_requested_range() {
    let topic = create_topic("read", 1);
    produce_lines(&topic, &lines(0..10));
    let read = |more: &[&str]| run(&[&["consume", &topic], more].concat()).done();
    assert_eq!(read(&["--from-beginning", "--exit"]), lines(0..10));
    assert_eq!(read(&["-e"]), "", "by default it waits for new records");
    assert_eq!(read(&["--offset", "7", "-e"]), lines(7..10));
    assert_eq!(read(&["--offset", "-2", "-e"]), lines(8..10));
    assert_eq!(read(&["--from-beginning", "--max", "3"]), lines(0..3));
    assert_eq!(read(&["--since", "1h", "-n", "1"]), lines(0..1));
    assert_eq!(read(&["--since", "2100-01-01T00:00:00Z", "-e"]), "");
    let error = run(&["consume", &topic, "--offset", "11"]).failed(1);
    assert!(error.contains("available offsets are 0 to 10"), "{error}");
    for wrong in [
        &["--offset", "1", "-g", "readers"][..],
        &["--offset", "1", "--from-beginning"],
        &["--since", "yesterday"],
        &["--max", "0"],
        &["--partition", "0", "--group", "readers"],
    ] {
        run(&[&["consume", &topic], wrong].concat()).failed(USAGE);
    }
}

/// Runs a command on a terminal.
const TERMINAL: &str =
    "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

#[test]
fn consume_on_a_terminal_says_that_it_waits_for_new_records() {
    let topic = create_topic("waits", 1);
    produce_lines(&topic, "old\n");
    let mut command = Process::command(&find_program("python3"));
    command.args(["-c", TERMINAL]).arg(Daemon::program());
    command.args(["consume", &topic, "--max", "1"]);
    let servers = servers().kafka.bootstrap();
    command.env("MILLSTREAM_BOOTSTRAP_SERVERS", &servers);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let process = Process::start(command);
    let out = Log::of(process.take_stdout().unwrap());
    let says = format!(
        "millstream: waiting for new records in {topic} (Ctrl-C to stop); --from-beginning \
         reads existing records"
    );
    wait_until("the command says that it waits", LONG, || out.find(&says));
    produce_lines(&topic, "new\n");
    wait_until("the command ends", LONG, || process.exit_status());
    wait_until("the record", LONG, || out.find("new"));
    let piped = Running::start(&["consume", &topic, "--offset", "1", "--max", "2"]);
    piped.wait_lines(1);
    produce_lines(&topic, "newer\n");
    piped.wait_lines(2);
    assert_eq!(piped.err.tail(10), "", "the output is closed");
}

#[test]
fn partitions_can_be_chosen_and_keys_shown() {
    let topic = create_topic("parts", 3);
    produce(
        &topic,
        (0..3).map(|p| {
            Message::new(format!("v{p}"))
                .key(format!("k{p}"))
                .partition(p)
        }),
    );
    let read = run(&[
        "consume",
        &topic,
        "-p",
        "0,2",
        "--from-beginning",
        "-e",
        "-K",
        "=",
    ])
    .done();
    let mut read: Vec<_> = read.lines().collect();
    read.sort_unstable();
    assert_eq!(read, ["k0=v0", "k2=v2"]);
    let error = run(&["consume", &topic, "-p", "3"]).failed(1);
    assert!(
        error.contains("has no partition 3: its partitions are 0 to 2"),
        "{error}"
    );
}

/// Keys, values and headers that break careless code.
fn hostile() -> Vec<Message> {
    let bytes: Vec<u8> = (0..=255).collect();
    let mut all = vec![
        Message::default(),
        Message::tombstone("").header("", ""),
        Message::new("").key(bytes.clone()),
        Message::new(bytes.clone()).header("bytes", bytes),
        Message::new("line\nline\r\n\0\u{2028}\"\\").key("{\"base64\":\"AA==\"}"),
        Message::new("{\"value\":null}").key("\u{10ffff}"),
        Message::new("x".repeat(100_000)),
    ];
    let twice = [
        ("b", Some("1")),
        ("a", None),
        ("b", Some("1")),
        ("b", Some("")),
        ("a", Some("2")),
    ];
    let own = |(name, value): (&str, Option<&str>)| {
        (name.to_owned(), value.map(|v| v.as_bytes().to_vec()))
    };
    all.push(Message {
        headers: twice.map(own).into(),
        ..Message::default()
    });
    all.into_iter()
        .map(|message| message.partition(0))
        .collect()
}

#[test]
fn every_record_can_be_written_as_json_and_read_back_byte_for_byte() {
    // One record is old, and Kafka's retention would remove it.
    let kept = |name: &str, partitions| {
        let kafka = &servers().kafka;
        kafka.create_topic_with(name, partitions, &[("retention.ms", "-1")])
    };
    let (from, to) = (kept("from", 1), kept("to", 2));
    let mut messages = hostile();
    messages[0].timestamp = Some(1_000_000_000_000);
    produce(&from, messages);
    let written = run(&[
        "consume",
        &from,
        "--format",
        "json",
        "--from-beginning",
        "-e",
    ])
    .done();
    assert_eq!(
        written.lines().count(),
        hostile().len(),
        "a line for each record"
    );
    let servers = servers().kafka.bootstrap();
    let back = ["produce", &to, "--format", "json", "--keep-place"];
    run_at(&servers, &back, written.as_bytes()).done();
    assert_eq!(read_all(&to), read_all(&from));
    let first: Value = serde_json::from_str(written.lines().next().unwrap()).unwrap();
    let expected = json!({
        "topic": from, "partition": 0, "offset": 0, "timestamp": 1_000_000_000_000_i64,
        "key": null, "value": null, "headers": []
    });
    assert_eq!(first, expected);
}

#[test]
fn hex_shows_every_byte() {
    let topic = create_topic("hex", 1);
    produce(&topic, [Message::new(vec![0, 255, b'a']).partition(0)]);
    let shown = run(&["consume", &topic, "--format", "hex", "--offset", "0", "-e"]).done();
    assert!(
        shown.starts_with(&format!("{topic}/0, offset 0, 20")),
        "{shown}"
    );
    assert!(
        shown.contains("key: absent\nvalue: 3 bytes\n  00000000  00 ff 61 "),
        "{shown}"
    );
}

#[test]
fn only_printed_records_are_committed() {
    let (topic, readers) = (create_topic("counted", 1), unique("counted"));
    produce_lines(&topic, &lines(0..100));
    let read = |more: &[&str]| {
        let arguments = ["consume", &topic, "-g", &readers, "--from-beginning"];
        run(&[&arguments[..], more].concat()).done()
    };
    assert_eq!(read(&["--max", "3"]), lines(0..3));
    let at = || group(&readers)["partitions"][0]["committed"].clone();
    assert_eq!(at(), 3);
    assert_eq!(read(&["-n", "4"]), lines(3..7));
    assert_eq!(at(), 7);
    assert_eq!(read(&["-e"]), lines(7..100));
    assert_eq!(at(), 100);
    assert_eq!(read(&["-e"]), "");
}

#[test]
fn a_closed_output_commits_only_records_it_received() {
    let (topic, readers) = (create_topic("piped", 1), unique("piped"));
    produce_lines(&topic, &"0123456789\n".repeat(100_000));
    let mut command = Command::new(Daemon::program());
    command.args(["consume", &topic, "-g", &readers, "--from-beginning"]);
    command.env("MILLSTREAM_BOOTSTRAP_SERVERS", servers().kafka.bootstrap());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = BufReader::with_capacity(1, child.stdout.take().unwrap());
    pipe.read_line(&mut String::new()).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "not an error");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "",
        "and no message"
    );
    let group = group(&readers);
    assert_eq!(group["state"], "Empty");
    // At most what fits into the pipe and one write: never everything that was fetched.
    let committed = group["partitions"][0]["committed"].as_i64().unwrap_or(0);
    assert!(committed < 30_000, "{committed}");
}

#[test]
fn ctrl_c_commits_the_printed_records_and_leaves_the_group_at_once() {
    let (topic, readers) = (create_topic("left", 2), unique("left"));
    produce_lines(&topic, &lines(0..5));
    for signal in [Signal::INT, Signal::TERM] {
        let running = Running::start(&["consume", &topic, "-g", &readers, "--from-beginning"]);
        wait_until("the command is a member", LONG, || {
            (group(&readers)["state"] == "Stable").then_some(())
        });
        assert_eq!(running.stop(signal), Some(0));
        assert_eq!(
            group(&readers)["state"],
            "Empty",
            "the command did not wait for the session time-out"
        );
        let listed = run(&["group", "list", "--json"]).json();
        assert!(listed.contains(&json!({"group": readers, "state": "Empty"})));
        assert_eq!(running.err.lines(), [""; 0]);
    }
    let running = Running::start(&["consume", &topic, "-g", &readers]);
    produce_lines(&topic, "next\n");
    assert_eq!(running.wait_lines(1), ["next"]);
    assert_eq!(running.stop(Signal::INT), Some(0));
    assert_eq!(run(&["consume", &topic, "-g", &readers, "-e"]).done(), "");
}

#[test]
fn offsets_committed_by_another_member_stay_committed() {
    let (topic, readers) = (create_topic("lent", 1), unique("lent"));
    produce_lines(&topic, &lines(0..3));
    // Of two members, the first by name gets the only partition.
    let member = |name: &str| {
        let id = format!("client.id={name}");
        Running::start(&[
            "consume",
            &topic,
            "-g",
            &readers,
            "--from-beginning",
            "-X",
            &id,
        ])
    };
    let holder = |name: &str| {
        wait_until(&format!("{name} has the partition"), LONG, || {
            let group = group(&readers);
            let mut members = group["members"].as_array().unwrap().iter();
            let holds = |one: &Value| one["client"] == name && one["partitions"] != json!([]);
            (group["state"] == "Stable" && members.any(holds)).then_some(())
        });
    };
    let first = member("z");
    first.wait_lines(3);
    let second = member("a");
    holder("a");
    produce_lines(&topic, &lines(3..5));
    assert_eq!(second.wait_lines(2), ["3", "4"]);
    assert_eq!(second.stop(Signal::INT), Some(0));
    holder("z");
    assert_eq!(first.stop(Signal::INT), Some(0));
    assert_eq!(first.out.lines(), ["0", "1", "2"]);
    assert_eq!(group(&readers)["partitions"][0]["committed"], 5);
}

#[test]
fn the_newer_group_protocol_can_be_chosen() {
    let (topic, readers) = (create_topic("newer", 1), unique("newer"));
    produce_lines(&topic, &lines(0..3));
    let newer = ["-g", &readers, "-X", "group.protocol=consumer"];
    let read = run(&[
        &["consume", &topic, "--from-beginning", "-n", "3"][..],
        &newer,
    ]
    .concat());
    assert_eq!(read.done(), lines(0..3));
    assert_eq!(group(&readers)["partitions"][0]["committed"], 3);
}

#[test]
fn a_killed_consume_resumes_after_the_last_commit() {
    let (topic, readers) = (create_topic("killed", 1), unique("killed"));
    produce_lines(&topic, &lines(0..5));
    let arguments = [
        "consume",
        &topic,
        "-g",
        &readers,
        "--from-beginning",
        "-X",
        "session.timeout.ms=2000",
    ];
    let running = Running::start(&arguments);
    running.wait_lines(5);
    wait_until("offsets are committed", LONG, || {
        (group(&readers)["partitions"][0]["committed"] == 5).then_some(())
    });
    running.process.kill();
    produce_lines(&topic, &lines(5..8));
    assert_eq!(Running::start(&arguments).wait_lines(3), ["5", "6", "7"]);
}

#[test]
fn consume_ends_soon_without_kafka_and_reports_uncommitted_records() {
    let kafka: Kafka = servers().own_kafka(&[]);
    let topic = kafka.create_topic("gone", 1);
    let arguments = [
        "consume",
        &topic,
        "-g",
        "readers",
        "--from-beginning",
        "-X",
        "auto.commit.interval.ms=600000",
    ];
    let running = Running::start_at(&kafka.bootstrap(), &arguments);
    kafka.produce(&topic, (0..3).map(|n| Message::new(n.to_string())));
    running.wait_lines(3);
    kafka.kill();
    wait_until("the command reports it", LONG, || {
        running.err.find("waiting for Kafka: ")
    });
    assert_eq!(running.stop(Signal::INT), Some(1));
    let said = running.err.tail(5);
    assert!(
        said.contains("can't commit the offsets of the group readers"),
        "{said}"
    );
    assert!(said.contains("the records will be read again"), "{said}");
}

#[test]
fn uncommitted_records_are_shown_only_on_request() {
    let topic = create_topic("isolated", 1);
    let transactions = servers().kafka.transactions();
    transactions.begin();
    transactions.produce(&topic, [Message::new("aborted").partition(0)]);
    transactions.abort();
    produce_lines(&topic, "plain\n");
    let read = |more: &[&str]| {
        run(&[&["consume", &topic, "--from-beginning", "-e"], more].concat()).done()
    };
    assert_eq!(read(&[]), "plain\n");
    assert_eq!(
        read(&["--isolation", "read_uncommitted"]),
        "aborted\nplain\n"
    );
}
