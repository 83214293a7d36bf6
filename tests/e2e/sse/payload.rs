use super::SOON;
use super::rig::{Rig, assert_same};

/// Payloads that look like several events, or like another client's.
pub fn payloads() -> Vec<String> {
    let lines = "line\nline\rline\r\n".repeat(25_000); // 350 KiB
    let long = "x".repeat(300 << 10);
    let plain = [
        "",
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\r\r",
        "\n\r",
        "a\n",
        "\na",
        "a\nb",
        "a\rb",
        "a\r\nb",
        "a\n\nb",
        "a\r\r\nb",
        " leading",
        "  two",
        "\ttab",
        "trailing ",
        ":",
        ": comment",
        "data: x",
        "x\n\nid: 99999999999999-9\nevent: gap\ndata: y\n\n",
        "x\rid: 9-9\r\rdata: z",
        "\0",
        "a\0b\0",
        "\u{1}\u{7f}",
        "\u{feff}bom",
        "\u{2028}\u{2029}\u{85}",
        "é \u{65e5}本 😀",
        "\u{202e}txt",
        "{\"json\": \"\\n\"}",
        "retry: 1\n",
        "0\r\n\r\n",
    ];
    let plain = plain.into_iter().map(str::to_owned);
    plain.chain([lines, long, "last".to_owned()]).collect()
}

/// What an EventSource makes of it: every line end becomes an LF.
pub fn read_back(payload: &str) -> String {
    payload.replace("\r\n", "\n").replace('\r', "\n")
}

#[test]
fn every_payload_is_read_back_as_one_event() {
    let rig = Rig::start();
    let (mut sse, _) = rig.open("client=ada");
    let payloads = payloads();
    let mut entries = rig.store("ada", payloads.clone(), payloads.len());
    for (entry, payload) in entries.iter_mut().zip(&payloads) {
        assert_eq!(entry.data, *payload, "stored unchanged");
        entry.data = read_back(payload);
    }
    assert_same(&sse.events(payloads.len(), SOON), &entries);
    assert_same(
        &rig.resume("ada", &entries[0].id)
            .events(payloads.len() - 1, SOON),
        &entries[1..],
    );
}

#[test]
fn entries_written_by_another_program_are_read() {
    let rig = Rig::start();
    let (mut sse, begins) = rig.open("client=ada");
    let key = rig.key("ada");
    let first: String = rig.redis(&["XADD", &key, "*", "data", "no type", "more", "ignored"]);
    let second: String = rig.redis(&["XADD", &key, "*", "type", "a\r\nid: 9-9\n\n", "data", "x"]);
    let third: String = rig.redis(&["XADD", &key, "*", "neither", "x"]);
    rig.send("ada", ["rings"]);
    let events = sse.events(4, SOON);
    let ids: Vec<_> = events
        .iter()
        .map(|event| event.id.as_deref().unwrap())
        .collect();
    assert_eq!(ids[..3], [&*first, &*second, &*third]);
    assert_eq!(
        (events[0].event.as_deref(), events[0].data.as_deref()),
        (None, Some("no type"))
    );
    assert_eq!(events[1].event.as_deref(), Some("aid: 9-9"));
    assert_eq!(
        (events[2].event.as_deref(), events[2].data.as_deref()),
        (None, Some(""))
    );
    assert_eq!(events[3].data.as_deref(), Some("rings"));
    assert_eq!(rig.resume("ada", &begins).events(4, SOON), events);
}

#[test]
fn a_key_of_another_type_does_not_affect_other_streams() {
    let rig = Rig::start();
    let _: String = rig.redis(&["SET", &rig.key("odd"), "no stream"]);
    let (_odd, begins) = rig.open("client=odd");
    assert_eq!(begins, "0-0");
    let (mut sse, _) = rig.open("client=ada");
    let _resumed = rig.resume("odd", "1-1");
    rig.send("ada", ["seen"]);
    assert_eq!(sse.events(1, SOON)[0].data.as_deref(), Some("seen"));
}
