//! Byte order marks before JSON, as some Windows programs write them.

use super::{LONG, config};
use millstream_tests::{
    Daemon, Message, create_topic, produce, read_all, scratch_dir, servers, unique, wait_until,
};
use std::fs;
use std::process::Command;

const MARK: &str = "byte order mark";

fn marked(text: &str) -> Vec<u8> {
    [b"\xef\xbb\xbf", text.as_bytes()].concat()
}

#[test]
fn a_dead_letter_names_the_byte_order_mark_of_its_record() {
    let topic = create_topic("marked", 1);
    let dead = format!("{topic}-dlq");
    servers().kafka.create_topic_named(&dead, 1, &[]);
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let _daemon = Daemon::ready(&config(&kafka, &redis, &topic, &unique("marked")));
    let utf16: Vec<u8> = "\u{feff}{}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for value in [marked("{}"), utf16] {
        produce(&topic, [Message::new(value).partition(0)]);
    }
    let letters = wait_until("both letters", LONG, || {
        Some(read_all(&dead)).filter(|letters| letters.len() == 2)
    });
    for letter in letters {
        let message = letter.header("millstream.error.message").unwrap();
        assert!(message.contains(MARK), "{message}");
    }
}

#[test]
fn a_key_set_with_a_byte_order_mark_is_rejected_with_the_reason() {
    let folder = scratch_dir("marked");
    let set = folder.join("jwks.json");
    fs::write(&set, marked(r#"{"keys": []}"#)).unwrap();
    let path = folder.join("millstream.toml");
    let auth = format!(
        "[store]\nurl = \"redis://127.0.0.1:1\"\n[http]\nlisten = \"127.0.0.1:0\"\n[auth]\njwks = {set:?}\n"
    );
    fs::write(&path, auth).unwrap();
    let mut run = Command::new(Daemon::program());
    run.args(["run", "--role", "edge", "-c"]).arg(&path);
    let output = run.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && error.contains(MARK), "{error}");
}
