//! `millstream produce`.

use super::{LONG, Running, USAGE, run, run_at, run_unread};
use millstream_tests::{create_topic, read_all, scratch_dir, servers, wait_until};
use rustix::process::Signal;
use serde_json::json;
use std::fs;

fn produce(topic: &str, more: &[&str], input: &[u8]) -> super::Said {
    let servers = servers().kafka.bootstrap();
    run_at(&servers, &[&["produce", topic], more].concat(), input)
}

#[test]
fn lines_become_records_and_the_total_is_printed() {
    let topic = create_topic("lines", 1);
    let said = produce(&topic, &[], b"one\n\nthree\r\nlast");
    assert!(
        said.err.starts_with("4 records (13 B) acknowledged by "),
        "{said:?}"
    );
    assert_eq!(said.done(), "", "results only on request");
    let values: Vec<_> = read_all(&topic)
        .into_iter()
        .map(|r| (r.key, r.value.unwrap()))
        .collect();
    let expected = ["one", "", "three\r", "last"].map(|text| (None, text.as_bytes().to_vec()));
    assert_eq!(values, expected);
}

#[test]
fn keys_headers_tombstones_and_partitions_are_produced_as_requested() {
    let topic = create_topic("keyed", 3);
    let more = [
        "-K", "::", "-H", "a=1", "-H", "a=2=3", "-p", "2", "-Z", "-z", "zstd",
    ];
    produce(&topic, &more, b"ada::x::y\ngrace::\n").done();
    let records = read_all(&topic);
    let text = |bytes: &Option<Vec<u8>>| bytes.clone().map(|b| String::from_utf8(b).unwrap());
    let parts: Vec<_> = records
        .iter()
        .map(|r| (text(&r.key), text(&r.value)))
        .collect();
    let some = |text: &str| Some(text.to_owned());
    let expected = [(some("ada"), some("x::y")), (some("grace"), None)];
    assert_eq!(parts, expected);
    let header = |value: &str| ("a".to_owned(), Some(value.as_bytes().to_vec()));
    assert!(
        records
            .iter()
            .all(|r| r.partition == 2 && r.headers == [header("1"), header("2=3")])
    );
}

#[test]
fn files_are_read_in_order_and_record_positions_are_printed_on_request() {
    let topic = create_topic("files", 1);
    let dir = scratch_dir("files");
    let file = |name: &str, text: &str| {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let (a, b) = (file("a.txt", "1\n2\n"), file("b.txt", "3"));
    let verbose = produce(&topic, &[&a, "-", &b, "--verbose"], b"x\n").done();
    let expected = format!(
        "{a}:1: {topic}/0, offset 0\n{a}:2: {topic}/0, offset 1\nline 1: {topic}/0, offset 2\n\
         {b}:1: {topic}/0, offset 3\n"
    );
    assert_eq!(verbose, expected);
    let told = produce(&topic, &["--json"], b"y\n").json();
    assert_eq!(
        told,
        [json!({"from": "line 1", "topic": topic, "partition": 0, "offset": 4})]
    );
    let error = produce(&topic, &[&a, "absent.txt"], b"").failed(1);
    assert!(error.contains("can't read absent.txt"), "{error}");
    assert_eq!(
        read_all(&topic).len(),
        5,
        "a missing file is reported before sending"
    );
}

#[test]
fn with_a_broker_down_unacknowledged_records_fail_and_the_rest_is_sent() {
    let cluster = servers().own_cluster();
    let kafka = &cluster.nodes[0];
    let topic = kafka.create_topic_with("wanting", 1, &[("min.insync.replicas", "3")]);
    let at = kafka.bootstrap();
    cluster.nodes[2].kill();
    wait_until("a replica is missing", LONG, || {
        let described = run_at(&at, &["topic", "describe", &topic, "--json"], b"");
        // The client may have contacted the broker that is down.
        let described = (described.code == Some(0)).then(|| described.json())?;
        let in_sync = described[0]["partitions"][0]["in-sync"].as_array()?.len();
        (in_sync < 3).then_some(())
    });
    // The address of the broker that is down is among the bootstrap addresses.
    for arguments in [
        &["topic", "list"][..],
        &["topic", "describe", &topic],
        &["group", "list"],
        &["consume", &topic, "--from-beginning", "--exit"],
    ] {
        let said = run_at(&at, arguments, b"");
        assert_eq!((said.code, &*said.err), (Some(0), ""), "{arguments:?}");
    }
    let produce = |more: &[&str]| run_at(&at, &[&["produce", &topic], more].concat(), b"a\nb\n");
    let said = produce(&["-X", "message.timeout.ms=2000"]);
    assert!(
        said.err.contains("0 records (0 B) acknowledged"),
        "{said:?}"
    );
    assert!(said.err.contains("line 1: "), "{said:?}");
    let error = said.failed(1);
    let says = "2 records were not acknowledged by Kafka: ";
    assert!(error.contains(says), "{error}");
    let why = "has 2 of the 3 in-sync replicas that min.insync.replicas requires";
    assert!(error.contains(why), "{error}");
    // With acknowledgement by the leader only.
    produce(&["--acks", "1"]).done();
}

#[test]
fn a_refused_record_does_not_affect_its_neighbours() {
    let small = [("max.message.bytes", "50000")];
    let topic = servers().kafka.create_topic_with("small", 1, &small);
    // More than one batch within the topic's limit.
    let mut input = "x".repeat(1000).into_bytes();
    input.push(b'\n');
    let mut input = input.repeat(200);
    input.extend(vec![b'y'; 100_000]);
    input.extend(b"\nlast\n");
    let error = produce(&topic, &[], &input).failed(1);
    assert!(
        error.contains("line 201: Message size too large"),
        "{error}"
    );
    assert!(error.contains("1 record was not acknowledged"), "{error}");
    assert_eq!(read_all(&topic).len(), 201);
}

#[test]
fn an_invalid_json_line_is_reported_and_the_lines_before_it_are_sent() {
    let topic = create_topic("json", 1);
    let input = b"{\"value\":\"a\"}\n\n{\"vlaue\":\"b\"}\n{\"value\":\"c\"}\n";
    let error = produce(&topic, &["--format", "json"], input).failed(1);
    assert!(error.contains("line 3: unknown field `vlaue`"), "{error}");
    assert!(error.contains("1 record (1 B) acknowledged"), "{error}");
    assert_eq!(read_all(&topic).len(), 1);
    let marked = b"\xef\xbb\xbf{\"value\":\"a\"}\n";
    let error = produce(&topic, &["--format", "json"], marked).failed(1);
    assert!(
        error.contains("line 1: it starts with a byte order mark"),
        "{error}"
    );
}

#[test]
fn a_line_without_the_delimiter_is_reported_and_the_lines_before_it_are_sent() {
    let topic = create_topic("undelimited", 1);
    let error = produce(&topic, &["-K", ":"], b"ada:1\nnone\nada:2\n").failed(1);
    assert!(
        error.contains("line 2: missing `:` between key and value"),
        "{error}"
    );
    assert!(error.contains("1 record (4 B) acknowledged"), "{error}");
    assert_eq!(read_all(&topic).len(), 1);
    let error = produce(&topic, &["-K", ""], b"ada:1\n").failed(USAGE);
    assert!(error.contains("the delimiter is empty"), "{error}");
}

#[test]
fn a_tab_delimiter_is_written_as_in_a_shell_script() {
    let topic = create_topic("tabs", 1);
    produce(&topic, &["-K", r"\t"], b"ada\tx:y\n").done();
    let record = read_all(&topic).remove(0);
    assert_eq!(record.key.as_deref(), Some(&b"ada"[..]));
    assert_eq!(record.value.as_deref(), Some(&b"x:y"[..]));
    let read = ["consume", &topic, "--from-beginning", "-e", "-K", r"\t"];
    assert_eq!(run(&read).done(), "ada\tx:y\n");
}

#[test]
fn options_for_another_format_are_refused_before_sending() {
    let topic = create_topic("formats", 1);
    for (more, says) in [
        (&["--keep-place"][..], "--keep-place needs --format json"),
        (
            &["-f", "json", "-K", ":"],
            "-K works only with --format text",
        ),
        (&["-f", "json", "-Z"], "-Z works only with --format text"),
    ] {
        let error = produce(&topic, more, b"{\"value\":\"a\"}\n").failed(USAGE);
        assert!(error.contains(says), "{more:?}: {error}");
    }
    assert!(read_all(&topic).is_empty());
    for format in ["json", "hex"] {
        let error = run(&["consume", &topic, "-e", "-f", format, "-K", ":"]).failed(USAGE);
        assert!(
            error.contains("-K works only with --format text"),
            "{error}"
        );
    }
}

#[test]
fn a_missing_partition_is_reported() {
    let topic = create_topic("two", 2);
    let error = produce(&topic, &["-p", "2"], b"a\n").failed(1);
    assert!(
        error.contains("has no partition 2: its partitions are 0 to 1"),
        "{error}"
    );
    run(&["produce", &topic, "--acks", "2"]).failed(USAGE);
    run(&["produce", &topic, "--rate", "0"]).failed(USAGE);
}

#[test]
fn an_interrupted_produce_flushes_and_reports_how_much_arrived() {
    let topic = create_topic("slowly", 1);
    let file = scratch_dir("slowly").join("lines");
    fs::write(&file, "line\n".repeat(1_000_000)).unwrap();
    let file = file.display().to_string();
    let running = Running::start(&["produce", &topic, &file, "--rate", "50", "--verbose"]);
    running.wait_lines(10);
    assert_eq!(
        running.stop(Signal::INT),
        Some(1),
        "most records were not sent"
    );
    let told = wait_until("the sum", LONG, || running.err.find(" acknowledged by "));
    let there = read_all(&topic).len();
    assert!(
        told.starts_with(&format!("{there} records (")),
        "{told} reported, {there} in the topic"
    );
    assert!((10..1000).contains(&there), "{there}: 50 a second");
    let says = format!("stopped after {file}:{there}; the rest was not sent");
    wait_until("how many records arrived", LONG, || running.err.find(&says));
}

#[test]
fn a_closed_output_does_not_stop_the_sending() {
    let topic = create_topic("unread", 1);
    let file = scratch_dir("unread").join("lines");
    fs::write(&file, "line\n".repeat(20_000)).unwrap();
    for how in ["--verbose", "--json"] {
        let arguments = ["produce", &topic, &file.display().to_string(), how];
        let said = run_unread(&arguments).failed(0);
        assert!(said.starts_with("20,000 records ("), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    assert_eq!(read_all(&topic).len(), 40_000);
}

#[test]
fn produce_waits_while_kafka_is_away() {
    let kafka = servers().own_kafka(&[]);
    let topic = kafka.create_topic("away", 1);
    let file = scratch_dir("away").join("lines");
    fs::write(&file, "line\n".repeat(200)).unwrap();
    let file = file.display().to_string();
    let arguments = [
        "produce",
        &topic,
        &file,
        "--rate",
        "40",
        "-X",
        "message.timeout.ms=120000",
    ];
    let running = Running::start_at(&kafka.bootstrap(), &arguments);
    wait_until("some arrived", LONG, || {
        (kafka.read_all(&topic).len() > 5).then_some(())
    });
    kafka.kill();
    kafka.start();
    let code = running.process.wait_exit("produce", LONG * 2).code();
    assert_eq!(code, Some(0), "{}", running.err.tail(5));
    assert_eq!(kafka.read_all(&topic).len(), 200, "all of them, once");
}
