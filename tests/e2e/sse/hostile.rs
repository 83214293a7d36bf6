use super::SOON;
use super::rig::{Rig, assert_same};
use millstream_tests::get;
use std::collections::BTreeSet;

/// As a browser would write it.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

#[test]
fn an_invalid_client_id_is_refused_with_a_reason() {
    let rig = Rig::start();
    let long = format!("client={}", "a".repeat(257));
    let longer = format!("client={}", "a".repeat(7000));
    for (query, why) in [
        ("", "client=<id>"),
        ("clients=ada", "did you mean `client`"),
        ("CLIENT=ada", "did you mean `client`"),
        ("client=", "empty"),
        ("client", "empty"),
        (&long, "257"),
        (&longer, "7000"),
        ("client=a%00", "control character"),
        ("client=%0d%0aX-Injected:%201", "control character"),
        ("client=a%0a%0adata:%20x", "control character"),
        ("client=%c2%85", "control character"),
        ("client=%ff", "UTF-8"),
        ("client=ada%c3", "UTF-8"),
        ("client=ada&client=bob", "twice"),
        ("client=ada&last-event-id=1-1&last-event-id=2-1", "twice"),
    ] {
        // A stream would not end.
        assert_eq!(rig.ask(query, &[]).status, 400, "{query}");
        let answer = get(&rig.daemon.sse(), &format!("/v1/events?{query}"));
        assert!(answer.text().contains(why), "{query}: {}", answer.text());
        assert_eq!(answer.header("x-injected"), None);
    }
    assert_eq!(keys(&rig), BTreeSet::new());
}

#[test]
fn every_unusual_client_id_has_a_separate_stream() {
    let rig = Rig::start();
    let longest = "é".repeat(128);
    let strange = [
        "*",
        "?",
        "[a-z]*",
        "victi[m]",
        "{}",
        "{0}",
        "}",
        "{victim}",
        "../victim",
        "/victim",
        ":victim",
        "victim:",
        "client:victim",
        "victim ",
        " victim",
        "Victim",
        "victim\u{301}",
        "\\",
        "%76ictim",
        "vict\u{202e}im",
        "$",
        "0-0",
        "+",
        "-",
        "'\"`;",
        "null",
        &longest,
    ];
    rig.store("victim", ["for the victim alone"], 1);
    let mut open: Vec<_> = strange
        .iter()
        .map(|id| rig.open(&format!("client={}&from=earliest", encoded(id))).0)
        .collect();
    rig.store("victim", ["for the victim alone, too"], 2);
    assert_eq!(
        streams(&rig),
        BTreeSet::from([rig.key("victim")]),
        "readers create no stream"
    );

    for id in strange {
        rig.send(id, [format!("for {id}")]);
    }
    for (id, sse) in strange.iter().zip(&mut open) {
        let events = sse.events(1, SOON);
        assert_same(&events, &rig.stored(id, 1));
        assert_eq!(events[0].data.as_deref(), Some(&*format!("for {id}")));
    }
    let expected: BTreeSet<_> = strange
        .iter()
        .chain([&"victim"])
        .map(|id| rig.key(id))
        .collect();
    assert_eq!(streams(&rig), expected);
    // No other stream has received anything meanwhile.
    for (id, sse) in strange.iter().zip(&mut open) {
        rig.send(id, ["last"]);
        assert_eq!(sse.events(1, SOON)[0].data.as_deref(), Some("last"), "{id}");
    }
}

/// Every key under the daemon's prefix that exists because of a request, without the pipeline's
/// keys.
fn keys(rig: &Rig) -> BTreeSet<String> {
    let all: Vec<String> = rig.redis(&["KEYS", &format!("{}:*", rig.prefix)]);
    let own = |key: &String| {
        [":ledger:", ":partitions:", ":swaps:"]
            .iter()
            .any(|of| key.contains(of))
    };
    all.into_iter().filter(|key| !own(key)).collect()
}

/// Like [`keys`], without the key for connected clients.
fn streams(rig: &Rig) -> BTreeSet<String> {
    let interest = format!("{}:{{0}}:interest", rig.prefix);
    keys(rig)
        .into_iter()
        .filter(|key| *key != interest)
        .collect()
}
