//! The plugin of the README and of the book's first chapter on plugins, which
//! include or repeat the code between the anchors.

// ANCHOR: plugin
use millstream_plugin::{Config, Events, Failure, Record, Transform, transform};

#[derive(serde::Deserialize)]
struct Order {
    customer: String,
    id: u64,
}

struct Orders;

impl Transform for Orders {
    fn new(config: Config) -> Result<Self, String> {
        config.none().map(|()| Orders)
    }

    fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
        let order: Order = record.json()?;
        events.client(&order.customer).kind("order").json(&order.id)
    }
}

transform!(Orders);
// ANCHOR_END: plugin

/// Cargo requires it of an example; a plugin is a `cdylib` and has none.
fn main() {}

#[cfg(test)]
mod tests {
    use super::Orders;
    use millstream_plugin::testing::{TestRecord, TransformTest};

    #[test]
    fn an_order_becomes_an_event_for_its_customer() {
        let orders = TransformTest::<Orders>::new("{}").unwrap();
        let order = TestRecord::value(r#"{"customer": "ada", "id": 7}"#);
        let event = &orders.one(order).unwrap()[0];
        assert_eq!(
            (&*event.client, &*event.kind, &*event.payload),
            ("ada", "order", "7")
        );
    }
}
