//! A transform with state and a built-in version, for tests of both: each event has the number of
//! records that its key had so far in its partition.
//!
//! A record's text can ask for more: `fails` is rejected after it was counted, `lies` makes an
//! event that the host refuses, `panics` panics, `to ...` becomes the event's type, `forget` removes
//! the count, `brief` keeps it for one second of the records' time.
//! `PLUGIN_VERSION=leaks` leaks a MiB for each record, `mended` does not reject.

use millstream_plugin::{
    Config, Events, Failure, Keys, Record, State, StatefulTransform, stateful_transform,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const VERSION: &str = match option_env!("PLUGIN_VERSION") {
    Some(version) => version,
    None => "none",
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Incoming<'a> {
    client_id: &'a str,
    event_id: &'a str,
    text: Option<&'a str>,
}

#[derive(Serialize)]
struct Outgoing<'a> {
    id: &'a str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    count: u64,
}

struct Counting;

impl StatefulTransform for Counting {
    fn new(config: Config) -> Result<Self, String> {
        config.none().map(|()| Counting)
    }

    fn keys(&self, record: Record, keys: &mut Keys) {
        keys.extend(record.key());
    }

    fn transform(
        &self,
        record: Record,
        state: &mut State,
        events: &mut Events,
    ) -> Result<(), Failure> {
        if VERSION == "leaks" {
            std::mem::forget(std::hint::black_box(vec![1_u8; 1 << 20]));
        }
        let Some(key) = record.key() else {
            return Err(Failure::unaddressable("the record has no key"));
        };
        let count = state.json::<u64>(key)?.unwrap_or(0) + 1;
        // Before the record is read: one that fails must not count.
        state.set_json(key, &count)?;
        let Incoming {
            client_id,
            event_id,
            text,
        } = record.json()?;
        let mut kind = "counted";
        match text {
            Some("fails") if VERSION != "mended" => {
                return Err(Failure::rejected("it asked for it"));
            }
            Some("panics") => panic!("it asked for it"),
            Some("lies") => kind = "gap",
            Some(to) if to.starts_with("to ") => kind = to,
            Some("forget") => state.remove(key),
            Some("brief") => {
                state.set_for(key, count.to_string(), Duration::from_secs(1));
            }
            _ => {}
        }
        let payload = Outgoing {
            id: event_id,
            version: VERSION,
            text,
            count,
        };
        events.client(client_id).kind(kind).json(&payload)
    }
}

stateful_transform!(Counting);
