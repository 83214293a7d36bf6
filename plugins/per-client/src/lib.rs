//! A route that sends each event to the stream of its client or group. It is
//! the default route.
//!
//! ```toml
//! [pipeline.route]
//! plugin = "bundled:per-client"
//! [pipeline.route.config]
//! # optional: "as-configured" (the default) follows the pipeline's `deliver`,
//! # "always" keeps events for clients that are away, "while-connected" does not
//! # (events of groups are always kept).
//! deliver = "as-configured"
//! ```

// ANCHOR: plugin
use millstream_plugin::{Config, Deliver, Destination, Route, RoutedEvent, route};
use serde::Deserialize;

/// The configurable values: `Deliver` without `No`, with which no event would
/// reach anyone.
#[derive(Deserialize)]
#[serde(remote = "Deliver", rename_all = "kebab-case")]
enum DeliverName {
    AsConfigured,
    Always,
    WhileConnected,
}

/// The plugin; its fields are the configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PerClient {
    #[serde(default, with = "DeliverName")]
    deliver: Deliver,
}

impl Route for PerClient {
    fn new(config: Config) -> Result<Self, String> {
        config.parse()
    }

    fn route<'a>(&'a self, _: RoutedEvent<'a>) -> Result<Destination<'a>, String> {
        Ok(Destination::stream(self.deliver))
    }
}

route!(PerClient);
// ANCHOR_END: plugin

#[cfg(test)]
mod tests {
    use super::*;
    use millstream_plugin::testing::{RouteTest, TestEvent};

    fn deliver(config: &str) -> Deliver {
        let plugin = RouteTest::<PerClient>::new(config).unwrap();
        let mut out = plugin.run(&[TestEvent::new("ada", "mail", "{}")]);
        let destination = out.remove(0).unwrap();
        assert_eq!((destination.topic, destination.headers), (None, vec![]));
        destination.stream
    }

    #[test]
    fn without_configuration_the_pipeline_decides() {
        assert_eq!(deliver("{}"), Deliver::AsConfigured);
    }

    #[test]
    fn the_configured_delivery_is_used() {
        assert_eq!(
            deliver(r#"{"deliver":"as-configured"}"#),
            Deliver::AsConfigured
        );
        assert_eq!(deliver(r#"{"deliver":"always"}"#), Deliver::Always);
        assert_eq!(
            deliver(r#"{"deliver":"while-connected"}"#),
            Deliver::WhileConnected
        );
    }

    #[test]
    fn a_groups_event_goes_to_its_stream() {
        let plugin = RouteTest::<PerClient>::new(r#"{"deliver":"always"}"#).unwrap();
        let mut out = plugin.run(&[TestEvent::group("staff", "mail", "{}")]);
        let destination = out.remove(0).unwrap();
        assert_eq!(destination.stream, Deliver::Always);
        assert_eq!(destination.topic, None);
    }

    #[test]
    fn a_wrong_configuration_is_refused_with_the_valid_values() {
        let refusal = |config| RouteTest::<PerClient>::new(config).err().unwrap();
        let wrong = refusal(r#"{"deliver":"allways"}"#);
        let names = "expected one of `as-configured`, `always`, `while-connected`";
        assert!(wrong.contains(names), "{wrong}");
        assert!(refusal(r#"{"deliver":"no"}"#).contains("unknown variant `no`"));
        assert!(refusal(r#"{"delivery":"always"}"#).contains("expected `deliver`"));
    }
}
