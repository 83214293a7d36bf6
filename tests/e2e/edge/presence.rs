//! Connects and disconnects of clients, written to a topic.

use super::SOON;
use super::rig::{ANONYMOUS, config};
use millstream_tests::wait_until;
use millstream_tests::{Daemon, Sse, create_topic, metrics, read_all, servers, unique};
use serde_json::Value;

#[test]
fn connects_and_disconnects_are_written_to_the_presence_topic() {
    let (topic, prefix) = (create_topic("presence", 1), unique("presence"));
    let kafka = servers().kafka.bootstrap();
    let http = format!("presence-topic = \"{topic}\"");
    let rest = format!("{ANONYMOUS}\n[kafka]\nbootstrap-servers = \"{kafka}\"");
    let config = config(&servers().redis, &prefix, &http, &rest);
    let daemon = Daemon::builder(&config).role("edge").start();
    daemon.wait_ready(SOON);
    let open = |client: &str| {
        let mut sse = Sse::open(&daemon.sse(), &format!("/v1/events?client={client}"), &[]);
        assert!(sse.next(SOON).is_some());
        sse
    };
    let told = |count: usize| -> Vec<(String, String)> {
        wait_until(&format!("{count} notices"), SOON, || {
            let all: Vec<_> = read_all(&topic)
                .iter()
                .map(|notice| notice_of(&notice.value))
                .collect();
            (all.len() >= count).then_some(all)
        })
    };
    let both = [open("ada"), open("ada")];
    assert_eq!(
        told(1),
        [pair("connected", "ada")],
        "one notice for each client"
    );
    drop(both);
    assert_eq!(told(2)[1], pair("disconnected", "ada"));
    let _stays = open("bob");
    told(3);
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(
        told(4)[2..],
        [pair("connected", "bob"), pair("disconnected", "bob")]
    );
}

#[test]
fn a_missing_presence_topic_is_reported_and_lost_notices_are_counted() {
    let (topic, prefix) = (unique("presence-later"), unique("presence"));
    let kafka = servers().kafka.bootstrap();
    let http = format!("presence-topic = \"{topic}\"");
    let rest = format!(
        "{ANONYMOUS}\n[kafka]\nbootstrap-servers = \"{kafka}\"\n\
         [kafka.properties]\n\"topic.metadata.propagation.max.ms\" = \"100\""
    );
    let config = config(&servers().redis, &prefix, &http, &rest);
    let daemon = Daemon::builder(&config).role("edge").start();
    daemon.wait_ready(SOON);
    let error = daemon.wait_log(&format!("topic {topic} ("), SOON);
    let make = format!(
        "([http] presence-topic) does not exist; create it with `millstream topic create {topic}`"
    );
    assert!(error.contains(&make), "{error}");
    let come_and_go = || {
        let mut sse = Sse::open(&daemon.sse(), "/v1/events?client=ada", &[]);
        assert!(sse.next(SOON).is_some());
    };
    wait_until("a notice is counted as lost", SOON, || {
        come_and_go();
        let lost = metrics(&daemon.admin()).sum("millstream_sse_presence_lost_total", &[]);
        (lost > 0.0).then_some(())
    });
    servers().kafka.create_topic_named(&topic, 1, &[]);
    daemon.wait_log("the topic of [http] presence-topic exists now", SOON);
    wait_until("a notice arrives", SOON, || {
        come_and_go();
        (!read_all(&topic).is_empty()).then_some(())
    });
}

fn pair(kind: &str, client: &str) -> (String, String) {
    (format!("millstream.{kind}"), client.to_owned())
}

fn notice_of(value: &Option<Vec<u8>>) -> (String, String) {
    let notice: Value = serde_json::from_slice(value.as_deref().unwrap()).unwrap();
    assert!(notice["at"].as_u64().unwrap() > 1_700_000_000_000);
    let text = |key: &str| notice[key].as_str().unwrap().to_owned();
    assert!(text("edge").contains(':'));
    (text("type"), text("client"))
}
