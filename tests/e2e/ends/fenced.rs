//! Two daemons with the same static member ID of their consumer group.

use super::LONG;
use millstream_tests::{
    Daemon, Message, create_topic, produce, servers, streams, unique, wait_until,
};
use serde_json::json;

#[test]
fn a_daemon_fenced_by_a_duplicate_member_id_ends_and_the_other_gets_everything() {
    let (topic, prefix) = (create_topic("fenced", 4), unique("fenced"));
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let rest = r#"
name = "p"
transform = { plugin = "bundled:notifications" }
[kafka.properties]
"group.instance.id" = "the-same"
"#;
    let config = millstream_tests::config(&kafka, &redis, &topic, &prefix, rest);
    let first = Daemon::ready(&config);
    let send = |from: usize| {
        let record = |n: usize| {
            let value = json!({
                "eventId": n.to_string(), "clientId": "c", "eventType": "t", "message": "m"
            });
            Message::new(value.to_string()).partition((n % 4) as i32)
        };
        produce(&topic, (from..from + 20).map(record));
        wait_until("the events are stored", LONG, || {
            let stored = streams(&prefix).remove("c")?.len();
            (stored == from + 20).then_some(())
        });
    };
    send(0);
    let second = Daemon::builder(&config).start();
    assert_eq!(first.wait_exit(LONG), Some(1));
    let said = first.wait_log("can't continue", LONG);
    println!("{said}");
    assert!(said.contains("pipeline p") && said.contains("group.instance.id"));
    second.wait_ready(LONG);
    send(20);
    assert_eq!(second.exit_status(), None);
    assert_eq!(second.terminate(), Some(0));
}
