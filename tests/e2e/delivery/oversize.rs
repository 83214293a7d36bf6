//! Records larger than their topic allows: a dead letter is sent without its value, anything else
//! fails its record.

use super::{config, noise, note, offsets, wait_for};
use millstream_tests::{
    Consumed, Daemon, Message, metrics, produce, read_all, servers, unique, wait_until,
};

/// The default limit of the topic and of the dead-letter topic.
const LIMIT: usize = 1_048_588;

/// A daemon whose topic holds a good record, these messages, and a good record.
struct Run {
    daemon: Daemon,
    topic: String,
    dead: String,
    prefix: String,
}

fn run(more: &str, limit: Option<&str>, between: Vec<Message>) -> Run {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("oversize", 1), unique("oversize"));
    let dead = format!("{topic}-dlq");
    if let Some(limit) = limit {
        kafka.create_topic_named(&dead, 1, &[("max.message.bytes", limit)]);
    }
    let last = between.len() as i64 + 1;
    produce(&topic, [note(0)]);
    for message in between {
        produce(&topic, [message.partition(0)]);
    }
    produce(&topic, [note(last)]);
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, more);
    let daemon = Daemon::ready(&text);
    wait_for(redis, &prefix, last);
    Run {
        daemon,
        topic,
        dead,
        prefix,
    }
}

impl Run {
    fn letter(&self, offset: i64) -> Consumed {
        let source = format!("{}/0/{offset}", self.topic);
        let letters = read_all(&self.dead).into_iter();
        let mut of = letters.filter(|letter| letter.header("millstream.source") == Some(&source));
        let letter = of.next().expect("the record has a letter");
        assert!(of.next().is_none(), "one");
        letter
    }
}

#[test]
fn a_letter_over_its_topics_limit_is_sent_without_its_value() {
    // The letter's headers put the first one slightly over the limit; the second is small.
    let large = noise(LIMIT - 188);
    let run = run(
        "",
        None,
        vec![Message::new(large.clone()).key("k"), Message::new("x")],
    );
    assert_eq!(offsets(&servers().redis, &run.prefix), [0, 3]);
    let letter = run.letter(1);
    assert_eq!(
        (letter.key.as_deref(), letter.value.as_deref()),
        (Some(&b"k"[..]), Some(&b""[..]))
    );
    assert_eq!(letter.header("millstream.error.class"), Some("malformed"));
    assert_eq!(letter.header("millstream.error.omitted"), Some("value"));
    let size = (large.len() + 1).to_string();
    assert_eq!(letter.header("millstream.error.record-size"), Some(&*size));
    let digest = letter.header("millstream.error.record-digest").unwrap();
    assert_eq!(digest.len(), 64);
    assert_eq!(run.letter(2).text(), "x");
    assert_eq!(run.letter(2).header("millstream.error.omitted"), None);
}

#[test]
fn oversize_headers_and_keys_are_omitted_too() {
    let many = Message::new("x").key("k").header("large", noise(40_000));
    let key = Message::new("x").key(noise(40_000)).header("small", "1");
    let run = run(
        "",
        Some("4000"),
        vec![many, key, Message::new(noise(40_000)).header("small", "1")],
    );
    let omitted = |offset| {
        run.letter(offset)
            .header("millstream.error.omitted")
            .unwrap()
            .to_owned()
    };
    assert_eq!(omitted(1), "value,headers");
    assert_eq!(run.letter(1).key.as_deref(), Some(&b"k"[..]));
    assert_eq!(omitted(2), "value,headers,key");
    assert_eq!(omitted(3), "value");
    assert_eq!(run.letter(3).header("small"), Some("1"));
}

/// Small letters that share a request do not count as too large.
#[test]
fn letters_that_fit_alone_are_sent_whole_in_any_number() {
    let letters = (0..20).map(|_| Message::new(noise(3_000))).collect();
    let run = run("", Some("5000"), letters);
    for offset in 1..=20 {
        assert_eq!(run.letter(offset).value, Some(noise(3_000)), "{offset}");
    }
}

#[test]
fn a_record_that_fits_only_compressed_gets_a_whole_letter() {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("compressed", 1), unique("compressed"));
    let large = vec![b'x'; 3_000_000];
    kafka.produce_compressed(&topic, [Message::new(large.clone()).partition(0)]);
    produce(&topic, [note(1)]);
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, "");
    let _daemon = Daemon::ready(&text);
    wait_for(redis, &prefix, 1);
    let letter = read_all(&format!("{topic}-dlq")).remove(0);
    assert!(letter.value == Some(large), "whole");
}

#[test]
fn an_event_too_large_for_its_topic_fails_its_record() {
    let copies = unique("copies");
    let small = [("max.message.bytes", "20000")];
    servers().kafka.create_topic_named(&copies, 1, &small);
    let route = format!(
        r#"route = {{ plugin = "bundled:by-type", config = {{ default = {{ topic = "{copies}" }} }} }}"#
    );
    // Four characters hold three bytes of noise, which does not compress.
    let text: String = noise(100_000)
        .iter()
        .map(|byte| char::from(b'0' + byte % 64))
        .collect();
    let value = serde_json::json!({
        "eventId": "1", "eventType": "mail", "clientId": "ada", "message": text
    });
    let run = run(&route, None, vec![Message::new(value.to_string())]);
    assert_eq!(
        offsets(&servers().redis, &run.prefix),
        [0, 2],
        "the record has no event"
    );
    let letter = run.letter(1);
    assert_eq!(letter.header("millstream.error.class"), Some("too-large"));
    assert_eq!(letter.header("millstream.error.stage"), Some("route"));
    let message = letter.header("millstream.error.message").unwrap();
    assert!(message.contains(&copies), "{message}");
    assert_eq!(letter.text(), value.to_string());
    assert_eq!(read_all(&copies).len(), 2);
}

#[test]
fn a_record_too_large_to_be_rerouted_becomes_a_dead_letter() {
    let elsewhere = unique("elsewhere");
    let small = [("max.message.bytes", "20000")];
    servers().kafka.create_topic_named(&elsewhere, 1, &small);
    let more = format!(
        r#"
[pipeline.dead-letter]
plugin = "bundled:retry-then-topic"
config = {{ reroute = {{ malformed = "{elsewhere}" }} }}
"#
    );
    let run = run(&more, None, vec![Message::new(noise(50_000))]);
    let letter = run.letter(1);
    assert_eq!(letter.value, Some(noise(50_000)));
    assert_eq!(letter.header("millstream.error.class"), Some("too-large"));
    let message = letter.header("millstream.error.message").unwrap();
    assert!(
        message.contains(&elsewhere) && message.contains("malformed"),
        "{message}"
    );
    let counted = |action: &str| {
        let action = format!("action=\"{action}\"");
        metrics(&run.daemon.admin()).sum("millstream_dead_letters_total", &[&action])
    };
    wait_until("the letter is counted", super::LONG, || {
        (counted("topic") >= 1.0).then_some(())
    });
    assert_eq!(counted("reroute"), 0.0, "nothing was rerouted");
    assert_eq!(run.daemon.terminate(), Some(0));
}
