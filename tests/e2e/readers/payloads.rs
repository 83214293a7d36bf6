use super::all_at_once::Crowd;
use crate::sse::payload::payloads;
use crate::sse::rig::{Rig, numbered};
use millstream_tests::{Link, Message, produce};

#[test]
fn every_reader_reads_every_payload_type_and_id_back() {
    let rig = Rig::start();
    let crowd = Crowd::at(&rig.daemon.sse(), "client=ada&from=earliest");
    rig.store("ada", payloads(), payloads().len());
    for kind in ["größe", "message", "", "t"] {
        let message = Message::new(format!("of type {kind:?}")).key("ada");
        produce(&rig.topic, [message.header("type", kind)]);
    }
    crowd.assert_same(&rig.stored("ada", payloads().len() + 4));
}

#[test]
fn every_reader_receives_a_gap_and_continues_after_it() {
    let rig = Rig::start();
    let link = Link::to(&rig.daemon.sse());
    let crowd = Crowd::at(&link.addr(), "client=ada");
    let seen = rig.store("ada", numbered(0..3), 3);
    crowd.assert_same(&seen);
    link.cut();
    rig.store("ada", numbered(3..6), 6);
    let _: u64 = rig.redis(&["XTRIM", &rig.key("ada"), "MAXLEN", "1"]);
    let left = rig.stored("ada", 1);
    link.open();
    for (name, told) in crowd.wait(5) {
        let [gap, event] = &told.events[3..] else {
            panic!("{name}: {told:?}");
        };
        assert_eq!((&*gap.kind, &gap.id), ("gap", &seen[2].id), "{name}");
        let told: serde_json::Value = serde_json::from_str(&gap.data).unwrap();
        let expected = serde_json::json!({
            "after": seen[2].id, "resumes-at": left[0].id, "reason": "trimmed",
        });
        assert_eq!(told, expected, "{name}");
        assert_eq!(
            (&event.id, &*event.data),
            (&left[0].id, "payload 5"),
            "{name}"
        );
    }
}

#[test]
fn every_reader_resumes_at_a_composite_id() {
    let rig = Rig::start();
    let link = Link::to(&rig.daemon.sse());
    let crowd = Crowd::at(&link.addr(), "client=ada&groups=news,b%2Cc");
    let group = |name: &str| format!("{}:{{0}}:group:{name}", rig.prefix);
    let add = |key: &str, data: &str| {
        let _: String = rig.redis(&["XADD", key, "*", "type", "t", "data", data]);
        // Writes like another program: the doorbell carries the name of the stream that was
        // written.
        let line = key
            .rsplit_once(":group:")
            .map(|(_, name)| format!("\u{1}{name}"));
        let bell = format!("{}:{{0}}:bell", rig.prefix);
        let line = line.unwrap_or_else(|| "ada".to_owned());
        let _: u64 = rig.redis(&["PUBLISH", &bell, &line]);
    };
    let keys = [rig.key("ada"), group("news"), group("b,c")];
    for round in 0..3 {
        for (n, key) in keys.iter().enumerate() {
            add(key, &format!("{round} {n} before"));
        }
        crowd.wait(round * 6 + 3);
        link.cut();
        for (n, key) in keys.iter().enumerate() {
            add(key, &format!("{round} {n} behind"));
        }
        link.open();
        crowd.wait(round * 6 + 6);
    }
    for (name, told) in crowd.wait(18) {
        for n in 0..3 {
            let of = |text: &&str| text.contains(&format!(" {n} "));
            let data = told.events.iter().map(|e| e.data.as_str());
            let got: Vec<&str> = data.filter(of).collect();
            let expected = [0, 1, 2]
                .map(|round| ["before", "behind"].map(|when| format!("{round} {n} {when}")));
            assert_eq!(got, expected.concat(), "{name}");
        }
    }
}
