//! librdkafka's properties with several names.
//!
//! rdkafka passes properties on in the order of a hash map, so with two names for
//! one property the effective value would be random. Code that sets a property
//! checks here first, so that only one of its names is ever set.

use rdkafka::ClientConfig;

/// Each alias, and the name that librdkafka uses (`rdkafka_conf.c`,
/// `_RK_C_ALIAS`).
const ALIASES: [(&str, &str); 12] = [
    ("acks", "request.required.acks"),
    ("bootstrap.servers", "metadata.broker.list"),
    ("compression.type", "compression.codec"),
    ("delivery.timeout.ms", "message.timeout.ms"),
    ("enable.auto.commit", "auto.commit.enable"),
    ("linger.ms", "queue.buffering.max.ms"),
    ("max.in.flight", "max.in.flight.requests.per.connection"),
    ("max.partition.fetch.bytes", "fetch.message.max.bytes"),
    ("retries", "message.send.max.retries"),
    ("sasl.mechanism", "sasl.mechanisms"),
    (
        "sasl.oauthbearer.client.credentials.client.id",
        "sasl.oauthbearer.client.id",
    ),
    (
        "sasl.oauthbearer.client.credentials.client.secret",
        "sasl.oauthbearer.client.secret",
    ),
];

fn proper(name: &str) -> &str {
    let found = ALIASES.iter().find(|(alias, _)| *alias == name);
    found.map_or(name, |(_, proper)| proper)
}

/// Whether both names mean the same property.
pub fn is_same(one: &str, other: &str) -> bool {
    proper(one) == proper(other)
}

/// Sets a property and removes its other names.
pub fn replace(config: &mut ClientConfig, name: &str, value: &str) {
    let others = ALIASES.iter().flat_map(|(alias, proper)| [alias, proper]);
    for other in others.filter(|other| is_same(other, name)) {
        config.remove(other);
    }
    config.set(name, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn librdkafka_knows_every_name() {
        for name in ALIASES.iter().flat_map(|(alias, proper)| [alias, proper]) {
            let mut config = ClientConfig::new();
            config.set(*name, "no such value");
            let said = config.create_native_config().err().map(|e| e.to_string());
            let said = said.unwrap_or_default();
            assert!(!said.contains("No such configuration"), "{name}: {said}");
        }
    }

    #[test]
    fn a_property_that_is_set_has_no_alias_beside_it() {
        let mut config = ClientConfig::new();
        config.set("compression.codec", "lz4").set("acks", "1");
        replace(&mut config, "compression.type", "zstd");
        assert_eq!(config.get("compression.codec"), None);
        assert_eq!(config.get("compression.type"), Some("zstd"));
        assert_eq!(config.get("acks"), Some("1"));
    }
}
