use crate::config::fixture::refused;

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
