//! A transform with a built-in version, for tests of swaps: the same code in a different file.
//! `PLUGIN_VERSION=loops` never returns, `slow` takes its time, `leaks` leaks a MiB for each
//! record.

use millstream_plugin::{Config, Events, Failure, Record, Transform, transform};
use serde::{Deserialize, Serialize};

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
    /// Unchanged, so that payloads can be told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

struct Versioned;

impl Transform for Versioned {
    fn new(config: Config) -> Result<Self, String> {
        config.none().map(|()| Versioned)
    }

    fn transform(&self, record: Record, events: &mut Events) -> Result<(), Failure> {
        if VERSION == "loops" {
            loop {
                std::hint::black_box(());
            }
        }
        if VERSION == "leaks" {
            std::mem::forget(std::hint::black_box(vec![1_u8; 1 << 20]));
        }
        let incoming: Incoming = record.json()?;
        if VERSION == "slow" {
            (0..40_000_000).for_each(|n| _ = std::hint::black_box(n));
        }
        let payload = Outgoing {
            id: incoming.event_id,
            version: VERSION,
            text: incoming.text,
        };
        events
            .client(incoming.client_id)
            .kind("versioned")
            .json(&payload)
    }
}

transform!(Versioned);
