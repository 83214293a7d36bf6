//! A record's attempt count survives crashes.

use super::{LONG, config, note, wait_for};
use millstream_tests::{Daemon, Message, metrics, produce, read_all, servers, unique, wait_until};

#[test]
fn attempts_are_counted_across_crashes() {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("attempts", 1), unique("attempts"));
    let dead = format!("{topic}-dlq");
    kafka.create_topic_named(&dead, 1, &[]);
    let more = r#"
[pipeline.dead-letter]
plugin = "bundled:retry-then-topic"
config = { retry = ["malformed"], attempts = 8, delay-ms = 500, max-delay-ms = 500 }
"#;
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, more);
    let malformed = Message::new("no JSON").partition(0);
    produce(&topic, [note(0), malformed, note(2)]);
    let mut daemon = Daemon::ready(&text);
    let retries = |daemon: &Daemon| {
        metrics(&daemon.admin()).sum("millstream_dead_letters_total", &["action=\"retry\""])
    };
    let mut tried = 0.0;
    for _ in 0..2 {
        wait_until("the record is retried three times", LONG, || {
            (retries(&daemon) >= 3.0).then_some(())
        });
        tried += retries(&daemon);
        daemon.kill();
        daemon.restart();
    }
    assert_eq!(wait_for(redis, &prefix, 2), [0, 2], "in order, around it");
    let letters = read_all(&dead);
    assert_eq!(letters.len(), 1);
    let attempts = letters[0]
        .headers
        .iter()
        .find(|(name, _)| name == "millstream.error.attempts");
    assert_eq!(attempts.unwrap().1.as_deref(), Some(&b"8"[..]));
    // A crash may lose at most the attempt in progress.
    let last = retries(&daemon);
    println!("{tried} retries before the crashes, {last} after");
    assert!(tried + last <= 7.0 + 2.0, "{tried} and {last}");
}
