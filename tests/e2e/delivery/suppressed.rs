//! `deliver = "while-connected"`, for clients that are away and for groups.

use super::{LONG, wait_for_records};
use millstream::record::ClientId;
use millstream::store::{Retention, Store, StoreSettings, StoreUrl};
use millstream_tests::{Daemon, Entry, Message, produce, servers, unique, wait_until};

/// Set in the pipeline or by its route.
const WAYS: [&str; 2] = [
    "deliver = \"while-connected\"",
    r#"route = { plugin = "bundled:per-client", config = { deliver = "while-connected" } }"#,
];

/// Registers the client's interest, as a connection does.
fn connect(prefix: &str, client: &str) {
    let settings = StoreSettings {
        url: StoreUrl::parse(&servers().redis.url()).unwrap(),
        tls: None,
        key_prefix: prefix.into(),
        retention: Retention::default(),
    };
    let store = Store::open(&settings).unwrap();
    let clients = [ClientId::new(client.as_bytes()).unwrap()];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(store.keep_interest(&clients, LONG))
        .unwrap();
}

fn config(topic: &str, prefix: &str, way: &str) -> String {
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let transform = r#"transform = { plugin = "bundled:by-field", config = { group = "header:group" , client = "key" } }"#;
    let rest = format!("name = \"withheld\"\n{transform}\n{way}");
    millstream_tests::config(&kafka, &redis, topic, prefix, &rest)
}

fn to_client(id: &str, value: &str) -> Message {
    Message::new(value).key(id)
}

fn types_and_data(entries: &[Entry]) -> Vec<(&str, &str)> {
    let shown = entries.iter().map(|e| (&*e.event_type, &*e.data));
    shown.collect()
}

#[test]
fn events_for_absent_clients_are_suppressed_and_noted_but_groups_get_theirs() {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    for way in WAYS {
        println!("--- {way}");
        let (topic, prefix) = (kafka.create_topic("withheld", 1), unique("withheld"));
        let daemon = Daemon::ready(&config(&topic, &prefix, way));
        let to_group = Message::new("for all").header("group", "all");
        let first = [to_client("ada", "1"), to_group.clone()];
        let rest = [to_client("ada", "2"), to_client("eve", "3"), to_group];
        produce(&topic, first.into_iter().chain(rest));
        wait_for_records(&daemon, 5);
        assert!(redis.streams(&prefix).is_empty(), "both clients are away");
        let groups = redis.groups(&prefix);
        assert_eq!(types_and_data(&groups["all"]), [("", "for all"); 2]);

        // Only a client that returns gets the notice, and only once.
        connect(&prefix, "ada");
        connect(&prefix, "ada");
        connect(&prefix, "new");
        let streams = redis.streams(&prefix);
        assert_eq!(streams.keys().collect::<Vec<_>>(), ["ada"]);
        assert_eq!(types_and_data(&streams["ada"]), [("millstream.away", "")]);
        produce(&topic, [to_client("ada", "4"), to_client("eve", "5")]);
        let ada = wait_until("ada gets the new event", LONG, || {
            let ada = redis.streams(&prefix).remove("ada")?;
            (ada.len() > 1).then_some(ada)
        });
        let expected = [("millstream.away", ""), ("", "4")];
        assert_eq!(types_and_data(&ada), expected);
        wait_for_records(&daemon, 7);
        assert!(!redis.streams(&prefix).contains_key("eve"));
        assert_eq!(daemon.terminate(), Some(0));
    }
}
