use millstream_plugin::{
    Config, Events, Failure, Keys, Record, State, StatefulTransform, clock, log, stateful_transform,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Deserialize)]
struct Order<'a> {
    customer: &'a str,
    total: f64,
}

#[derive(Serialize)]
struct Made {
    at: Option<i64>,
    count: u64,
}

struct Count;

impl StatefulTransform for Count {
    fn new(config: Config) -> Result<Self, String> {
        config.none().map(|()| Count)
    }

    fn keys(&self, record: Record, keys: &mut Keys) {
        if let Ok(order) = record.json::<Order>() {
            keys.add(order.customer);
        }
    }

    fn transform(
        &self,
        record: Record,
        state: &mut State,
        events: &mut Events,
    ) -> Result<(), Failure> {
        let order: Order = record.json()?;
        let customer = order.customer;
        let count = state.json::<u64>(customer)?.unwrap_or(0) + 1;
        if order.total > 100.0 {
            state.set_for(customer, count.to_string(), Duration::from_millis(50));
        } else {
            state.set_json(customer, &count)?;
        }
        log::info!("order {count} of {customer}");
        if order.total < 0.0 {
            return Err(Failure::rejected("the total is negative"));
        }
        if order.total == 0.0 {
            state.get("other");
        }
        let at = clock::now();
        events.client(customer).kind("orders").json(&Made { at, count })
    }
}

stateful_transform!(Count);
