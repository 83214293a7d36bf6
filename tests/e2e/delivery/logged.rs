//! Dead letters in the log.

use super::{LONG, config, wait_for_records};
use millstream_tests::{Daemon, Message, produce, servers, unique, wait_until};

fn run(letters: usize) -> (Daemon, String) {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("logged", 1), unique("logged"));
    kafka.create_topic_named(&format!("{topic}-dlq"), 1, &[]);
    produce(
        &topic,
        (0..letters).map(|n| Message::new(format!("no JSON {n}")).partition(0)),
    );
    let daemon = Daemon::ready(&config(
        &kafka.bootstrap(),
        &redis.url(),
        &topic,
        &prefix,
        "",
    ));
    wait_for_records(&daemon, letters);
    (daemon, topic)
}

#[test]
fn the_log_of_a_dead_letter_has_its_record_its_failure_and_the_command_that_shows_it() {
    let (daemon, topic) = run(1);
    let line = daemon.wait_log("a record failed", LONG);
    for says in [
        "WARN",
        &*format!("`millstream dlq show {topic}-dlq/0/0`"),
        &format!("record={topic}/0/0"),
        r#"class="malformed""#,
        r#"stage="transform""#,
        r#"plugin="bundled:notifications""#,
        "at byte",
    ] {
        assert!(line.contains(says), "{says}: {line}");
    }
    let command = line
        .split('`')
        .nth(1)
        .unwrap()
        .strip_prefix("millstream ")
        .unwrap();
    let shown = daemon.command(&command.split(' ').collect::<Vec<_>>());
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("no JSON 0"), "{shown}");
}

#[test]
fn three_thousand_equal_failures_are_logged_as_a_few_lines_and_a_count() {
    let (daemon, _) = run(3000);
    let lines = |text: &str| {
        let lines = daemon.log().lines().into_iter();
        lines.filter(|line| line.contains(text)).collect::<Vec<_>>()
    };
    let count = |line: &String| {
        let number = line
            .split("count=")
            .nth(1)
            .unwrap()
            .split(' ')
            .next()
            .unwrap();
        number.parse::<usize>().unwrap()
    };
    let (written, left_out) = wait_until("all letters are logged or counted", LONG, || {
        let left_out: usize = lines("similar log lines left out").iter().map(count).sum();
        let written = lines(" WARN a record failed").len();
        (written + left_out == 3000).then_some((written, left_out))
    });
    assert!(written < 100, "{written} lines, {left_out} left out");
}
