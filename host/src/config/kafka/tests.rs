use crate::config::fixture::{GOOD, refused};
use crate::config::{Role, parse};
use crate::kafka::Membership;
use std::path::Path;

#[test]
fn the_state_folder_is_relative_to_the_configuration() {
    let membership = |keys: &str| {
        let text = GOOD.replacen("[store]", &format!("{keys}\n[store]"), 1);
        let settings = parse(Path::new("/etc/m/m.toml"), &text, Role::All).unwrap();
        settings.kafka.unwrap().membership
    };
    let is = |folder: &str| Membership::Static(Some(folder.into()));
    assert_eq!(membership("state-dir = \"state\""), is("/etc/m/state"));
    assert_eq!(membership("state-dir = \"/state\""), is("/state"));
    assert!(matches!(membership(""), Membership::Static(_)));
    assert_eq!(membership("membership = \"dynamic\""), Membership::Dynamic);
    let keys = "membership = \"statik\"\n[store]";
    refused("[store]", keys, 4, &["statik", "static"]);
}

#[test]
fn kafka_properties_are_checked_by_librdkafka_itself() {
    let with = |property: &str| format!("[kafka.properties]\n{property}\n[store]");
    refused(
        "[store]",
        &with("\"sesion.timeout.ms\" = \"1\""),
        5,
        &["sesion.timeout.ms"],
    );
    refused(
        "[store]",
        &with("\"session.timeout.ms\" = \"x\""),
        5,
        &["session.timeout.ms"],
    );
    refused(
        "[store]",
        &with("\"enable.auto.commit\" = \"true\""),
        5,
        &["the ledger holds the offsets"],
    );
}
