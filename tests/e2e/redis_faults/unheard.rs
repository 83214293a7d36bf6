//! An event that Redis refuses inside a transaction whose answer is lost.

use super::LONG;
use millstream_tests::{
    Daemon, Link, Message, config, create_topic, produce, read_all, servers, unique, wait_until,
};
use std::collections::HashMap;
use std::time::Duration;

#[test]
fn an_event_refused_in_a_lost_answer_becomes_a_dead_letter_and_nothing_is_duplicated() {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (create_topic("unheard", 1), unique("unheard"));
    let dead = format!("{topic}-dlq");
    kafka.create_topic_named(&dead, 1, &[]);
    let bad = format!("{prefix}:{{0}}:client:bad");
    redis.order(&["SET", &bad, "no stream"]);
    let link = Link::to(&redis.addr());
    let url = format!("redis://{}", link.addr());
    let daemon = Daemon::ready(&config(
        &kafka.bootstrap(),
        &url,
        &topic,
        &prefix,
        "name = \"notes\"",
    ));
    let ada = || -> Vec<String> {
        let key = format!("{prefix}:{{0}}:client:ada");
        let mut range = redis::cmd("XRANGE");
        let range = range.arg(key).arg("-").arg("+");
        let entries: Vec<(String, HashMap<String, String>)> =
            range.query(&mut redis.connect()).unwrap();
        entries
            .into_iter()
            .map(|(_, mut fields)| fields.remove("data").unwrap())
            .collect()
    };
    let send = |client: &str, value: &str| {
        produce(&topic, [Message::new(value).key(client).partition(0)]);
    };
    send("ada", "first");
    wait_until("the first event is stored", LONG, || {
        (!ada().is_empty()).then_some(())
    });
    // Redis executes commands, but its answers are lost.
    link.hold_before("\r\n$4\r\nEXEC\r\n");
    let records = ["ada", "bad", "ada"].map(|client| Message::new("x").key(client).partition(0));
    produce(&topic, records);
    link.wait_held();
    link.lose_answers();
    link.let_go();
    let ledger = format!("{prefix}:{{0}}:ledger:{prefix}:{topic}:0");
    wait_until("the ledger has moved", LONG, || {
        let mut next = redis::cmd("HGET");
        let next = next.arg(&ledger).arg("next").query(&mut redis.connect());
        let next: i64 = next.unwrap();
        (next > 1).then_some(())
    });
    link.cut();
    link.open();
    let letters = wait_until("the letter exists", LONG, || {
        Some(read_all(&dead)).filter(|letters| !letters.is_empty())
    });
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].key.as_deref(), Some(&b"bad"[..]));
    let class = letters[0]
        .headers
        .iter()
        .find(|(name, _)| name == "millstream.error.class");
    assert_eq!(class.unwrap().1.as_deref(), Some(&b"store-refused"[..]));
    send("ada", "last");
    wait_until("the last event is stored", LONG, || {
        ada().iter().any(|data| data == "last").then_some(())
    });
    assert_eq!(ada(), ["first", "x", "x", "last"]);
    daemon.wait_ready(Duration::from_secs(60));
}
