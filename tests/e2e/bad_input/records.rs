//! Records that no transform can read.

use super::{LONG, config, note};
use millstream_tests::{
    Consumed, Daemon, Message, create_topic, produce, read_all, servers, streams, unique,
    wait_until,
};
use serde_json::json;

#[test]
fn unreadable_records_become_dead_letters_and_their_neighbours_are_delivered() {
    let topic = create_topic("unread", 1);
    let dead = format!("{topic}-dlq");
    servers().kafka.create_topic_named(&dead, 1, &[]);
    let prefix = unique("unread");
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let daemon = Daemon::ready(&config(&kafka, &redis, &topic, &prefix));

    let raw = |value: &[u8]| Message::new(value).partition(0);
    let binary: Vec<u8> = (0..=255).collect();
    let without_client = json!({ "eventId": "1", "eventType": "t", "message": "m" });
    let bad: Vec<(Message, &str)> = vec![
        (raw(b"not json"), "malformed"),
        (
            raw(&binary).key(&*binary).header("h", &*binary),
            "malformed",
        ),
        (raw(b"[1, 2]"), "malformed"),
        (raw(b"{\"eventId\": \"1\""), "malformed"),
        (raw(without_client.to_string().as_bytes()), "malformed"),
        (raw(b""), "malformed"),
        (Message::tombstone("k").partition(0), "malformed"),
        (note("", 0), "unaddressable"),
        (note("a\r\nb", 0), "bad-output"),
        (note("a\0", 0), "bad-output"),
        (note(&"c".repeat(257), 0), "bad-output"),
        (note(&"c".repeat(1_000_000), 0), "bad-output"),
        (raw(&vec![b'['; 500_000]), "malformed"),
    ];
    // Unusual but valid: each is a stream of exactly that name.
    let strange = [
        "{}",
        "../x",
        "*",
        "a b",
        "é",
        "client:ada",
        "a\\",
        "\"",
        &"c".repeat(256),
    ];
    let mut messages = Vec::new();
    for (index, (message, _)) in bad.iter().enumerate() {
        messages.extend([note("ada", index), message.clone(), note("bob", index)]);
    }
    messages.extend(strange.map(|client| note(client, 0)));
    produce(&topic, messages);
    let originals = read_all(&topic);
    let events = 2 * bad.len() + strange.len();
    let (mut streams, letters) =
        wait_until("every record is an event or a dead letter", LONG, || {
            let (streams, letters) = (streams(&prefix), read_all(&dead));
            let stored: usize = streams.values().map(Vec::len).sum();
            (stored >= events && letters.len() >= bad.len()).then_some((streams, letters))
        });

    assert_eq!(letters.len(), bad.len());
    let failed = originals.iter().skip(1).step_by(3).take(bad.len());
    for ((original, letter), (_, class)) in failed.zip(&letters).zip(&bad) {
        let header = |name: &str| letter.header(&format!("millstream.error.{name}")).unwrap();
        println!(
            "{}: {}: {}",
            original.offset,
            header("class"),
            header("message")
        );
        assert_eq!((letter.key.as_ref(), letter.value.as_ref()), same(original));
        assert_eq!(letter.headers[..original.headers.len()], original.headers);
        assert_eq!(header("class"), *class, "{}", header("message"));
        assert_eq!((header("stage"), header("attempts")), ("transform", "1"));
        assert_eq!(header("offset"), original.offset.to_string());
        assert_eq!(header("plugin"), "bundled:notifications");
        assert!(header("message").len() <= 1024);
    }
    for (client, at) in [("ada", 0), ("bob", 2)] {
        let entries = streams.remove(client).unwrap();
        let sources: Vec<_> = entries.into_iter().map(|entry| entry.source).collect();
        let expected = (0..bad.len()).map(|n| format!("{topic}/0/{}/0", 3 * n + at));
        assert_eq!(sources, expected.collect::<Vec<_>>());
    }
    let names: Vec<&str> = streams.keys().map(String::as_str).collect();
    let mut expected = strange.to_vec();
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert!(streams.values().all(|entries| entries.len() == 1));
    assert_eq!(daemon.terminate(), Some(0));
}

fn same(record: &Consumed) -> (Option<&Vec<u8>>, Option<&Vec<u8>>) {
    (record.key.as_ref(), record.value.as_ref())
}
