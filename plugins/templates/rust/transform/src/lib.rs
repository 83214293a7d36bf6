//! A transform: each order becomes an event for its customer.

use millstream_plugin::{Config, Events, Failure, Record, Transform, transform};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Order {
    customer: String,
    id: u64,
    total: f64,
}

#[derive(Serialize)]
struct Update {
    id: u64,
    total: f64,
}

struct Plugin;

impl Transform for Plugin {
    fn new(config: Config) -> Result<Self, String> {
        config.none().map(|()| Plugin)
    }

    fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
        let Order { customer, id, total } = record.json()?;
        if total < 0.0 {
            return Err(Failure::rejected("the total is negative"));
        }
        events.client(&customer).kind("order").json(&Update { id, total })
    }
}

transform!(Plugin);

#[cfg(test)]
mod tests {
    use super::Plugin;
    use millstream_plugin::testing::{TestRecord, TransformTest};

    #[test]
    fn an_order_becomes_an_event_for_its_customer() {
        let plugin = TransformTest::<Plugin>::new("{}").unwrap();
        let order = TestRecord::value(r#"{"customer": "ada", "id": 7, "total": 9.5}"#);
        let event = &plugin.one(order).unwrap()[0];
        assert_eq!(event.client, "ada");
        assert_eq!(event.payload, r#"{"id":7,"total":9.5}"#);
    }
}
