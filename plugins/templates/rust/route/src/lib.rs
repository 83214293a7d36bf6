//! A route: events of the type `audit` also go to a Kafka topic.

use millstream_plugin::{Config, Destination, Route, RoutedEvent, ToTopic, route};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plugin {
    /// The pipeline must allow it: `output-topics = ["audit"]`.
    #[serde(default = "audit")]
    topic: String,
}

fn audit() -> String {
    "audit".into()
}

impl Route for Plugin {
    fn new(config: Config) -> Result<Self, String> {
        config.parse()
    }

    fn route<'a>(&'a self, event: RoutedEvent<'a>) -> Result<Destination<'a>, String> {
        let mut destination = Destination::default();
        if event.kind() == "audit" {
            destination.topic = Some(ToTopic {
                topic: self.topic.as_str().into(),
                key: Some(event.address().name().as_bytes().into()),
                headers: Vec::new(),
            });
        }
        Ok(destination)
    }
}

route!(Plugin);

#[cfg(test)]
mod tests {
    use super::Plugin;
    use millstream_plugin::testing::{RouteTest, TestEvent};

    #[test]
    fn audits_go_to_their_topic_too() {
        let plugin = RouteTest::<Plugin>::new("{}").unwrap();
        let events = [TestEvent::new("ada", "audit", "{}"), TestEvent::new("ada", "order", "{}")];
        let routed = plugin.run(&events);
        let topics = routed.iter().map(|r| r.as_ref().unwrap().topic.is_some());
        assert_eq!(topics.collect::<Vec<_>>(), [true, false]);
    }
}
