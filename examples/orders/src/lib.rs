//! A transform: orders of a shop, each for the customer who placed it.

// ANCHOR: plugin
use millstream_plugin::{Config, Events, Failure, Record, Transform, transform};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

#[derive(Deserialize)]
struct Order<'a> {
    #[serde(borrow)]
    customer: Cow<'a, str>,
    id: u64,
    #[serde(borrow)]
    state: Cow<'a, str>,
    #[serde(default)]
    test: bool,
}

#[derive(Serialize)]
struct Update<'a> {
    order: u64,
    state: &'a str,
}

struct Orders;

impl Transform for Orders {
    fn new(config: Config) -> Result<Self, String> {
        config.none().map(|()| Orders)
    }

    fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
        let order: Order = record.json()?;
        if order.test {
            return Ok(()); // no event: filtered out
        }
        if order.customer.is_empty() {
            return Err(Failure::unaddressable("the order has no customer"));
        }
        let update = Update { order: order.id, state: &order.state };
        events.client(&order.customer).kind("order").json(&update)
    }
}

transform!(Orders);
// ANCHOR_END: plugin

// ANCHOR: tests
#[cfg(test)]
mod tests {
    use super::Orders;
    use millstream_plugin::Class;
    use millstream_plugin::testing::{TestRecord, TransformTest};

    #[test]
    fn an_order_goes_to_its_customer_and_a_broken_one_says_where() {
        let orders = TransformTest::<Orders>::new("{}").unwrap();
        let good = TestRecord::value(r#"{"customer": "ada", "id": 7, "state": "shipped"}"#);
        let event = &orders.one(good).unwrap()[0];
        assert_eq!(event.client, "ada");
        assert_eq!(event.payload, r#"{"order":7,"state":"shipped"}"#);
        let broken = orders.one(TestRecord::value("{\"customer\": ")).unwrap_err();
        assert_eq!(broken.class, Class::Malformed);
        assert!(broken.message.ends_with("at byte 13"), "{}", broken.message);
    }
}
// ANCHOR_END: tests
