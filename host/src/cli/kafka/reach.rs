//! How to reach Kafka: the options that all commands share.

use super::exit::Usage;
use super::pair;
use crate::config;
use crate::kafka::Connection;
use crate::kafka::native::alias::is_same;
use crate::kafka::{KafkaSettings, check_property};
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const SERVERS: &str = "MILLSTREAM_BOOTSTRAP_SERVERS";
const FILE: &str = "millstream.toml";

#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(in crate::cli) struct Reach {
    /// Brokers to begin with, `host:port`, commas between; or set
    /// MILLSTREAM_BOOTSTRAP_SERVERS.
    #[arg(short, long, value_name = "SERVERS")]
    bootstrap_servers: Option<String>,
    /// A property of librdkafka; may be given several times. Others can see
    /// it: a password belongs into the configuration, as "${NAME}" of the
    /// environment.
    #[arg(short = 'X', long = "property", value_name = "KEY=VALUE", value_parser = pair)]
    properties: Vec<(String, String)>,
    /// A configuration, of which only [kafka] is read; millstream.toml, if
    /// that is there and no brokers are given.
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Reach {
    /// Reaches the cluster, or says within seconds why not.
    pub fn connect(&self) -> anyhow::Result<Connection> {
        Ok(Connection::open(self.settings()?)?)
    }

    fn settings(&self) -> anyhow::Result<KafkaSettings> {
        let mut settings = self.base()?;
        if let Some(servers) = &self.bootstrap_servers {
            settings.bootstrap_servers.clone_from(servers);
        }
        check_servers(&settings.bootstrap_servers)?;
        for (key, value) in &self.properties {
            check(key, value)?;
            settings.give(key, value);
        }
        Ok(settings)
    }

    fn base(&self) -> anyhow::Result<KafkaSettings> {
        if let Some(file) = &self.config {
            return of_file(file);
        }
        let servers = std::env::var(SERVERS).ok().filter(|text| !text.is_empty());
        match self.bootstrap_servers.clone().or(servers) {
            Some(bootstrap_servers) => Ok(KafkaSettings {
                bootstrap_servers,
                properties: BTreeMap::new(),
            }),
            None if Path::new(FILE).exists() => of_file(Path::new(FILE)),
            None => Err(Usage(format!(
                "which Kafka? Give -b host:port, or set {SERVERS}, or give -c with a \
                 configuration that has [kafka] (there is no {FILE} here)"
            ))
            .into()),
        }
    }
}

fn of_file(file: &Path) -> anyhow::Result<KafkaSettings> {
    let mut settings = config::load_kafka(file)?;
    // The daemon's own name: as a second of that name we would put it out of
    // its group.
    settings.properties.remove("group.instance.id");
    Ok(settings)
}

fn check_servers(servers: &str) -> Result<(), Usage> {
    let well_formed = |server: &str| {
        let parts = server.trim().rsplit_once(':');
        parts.is_some_and(|(host, port)| {
            !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
        })
    };
    match servers.split(',').all(well_formed) {
        true => Ok(()),
        false => Err(Usage(format!(
            "`{servers}` names no brokers: expected host:port, or several with commas between"
        ))),
    }
}

/// What has an option or an order of its own, which would win without a word;
/// by any name.
const OURS: [(&str, &str); 10] = [
    ("bootstrap.servers", "give -b instead"),
    ("group.id", "give --group to consume instead"),
    ("isolation.level", "give --isolation to consume instead"),
    (
        "auto.offset.reset",
        "give --from-beginning to consume instead",
    ),
    (
        "enable.auto.commit",
        "what was printed is committed, and nothing else",
    ),
    (
        "enable.auto.offset.store",
        "what was printed is committed, and nothing else",
    ),
    ("enable.partition.eof", "give --exit to consume instead"),
    ("acks", "give --acks to produce instead"),
    (
        "allow.auto.create.topics",
        "`millstream topic create` makes topics",
    ),
    ("transactional.id", "produce has no transactions"),
];

fn check(key: &str, value: &str) -> Result<(), Usage> {
    if let Some((_, instead)) = OURS.iter().find(|(ours, _)| is_same(ours, key)) {
        return Err(Usage(format!("-X {key}: {instead}")));
    }
    check_property(key, value).map_err(|error| Usage(format!("-X {error}")))
}
