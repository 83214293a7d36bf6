//! How to connect to Kafka: the options that all Kafka commands share.

use super::exit::Usage;
use super::pair;
use crate::config;
use crate::kafka::Connection;
use crate::kafka::native::alias::is_same;
use crate::kafka::{KafkaSettings, Membership, check_property};
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const SERVERS: &str = "MILLSTREAM_BOOTSTRAP_SERVERS";
const FILE: &str = "millstream.toml";

#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(in crate::cli) struct Reach {
    /// Brokers to connect to first, as `host:port`, separated by commas; or set
    /// MILLSTREAM_BOOTSTRAP_SERVERS.
    #[arg(short, long, value_name = "SERVERS")]
    bootstrap_servers: Option<String>,
    /// A librdkafka property; can be repeated. Other users can see arguments:
    /// put a password into the configuration, as "${NAME}" for an environment
    /// variable.
    #[arg(short = 'X', long = "property", value_name = "KEY=VALUE", value_parser = pair)]
    properties: Vec<(String, String)>,
    /// A configuration file, of which only [kafka] is read [default:
    /// millstream.toml, if it exists and no brokers are given].
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The same for commands whose `--config` is something else.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(in crate::cli) struct ReachBeside {
    /// Brokers to connect to first, as `host:port`, separated by commas; or set
    /// MILLSTREAM_BOOTSTRAP_SERVERS.
    #[arg(short, long, value_name = "SERVERS")]
    bootstrap_servers: Option<String>,
    /// A librdkafka property; can be repeated.
    #[arg(short = 'X', long = "property", value_name = "KEY=VALUE", value_parser = pair)]
    properties: Vec<(String, String)>,
    /// A configuration file, of which only [kafka] is read [default:
    /// millstream.toml, if it exists and no brokers are given].
    #[arg(long, value_name = "FILE")]
    kafka_config: Option<PathBuf>,
}

impl ReachBeside {
    /// The settings of [kafka] that the options name.
    pub(in crate::cli) fn settings(&self) -> anyhow::Result<KafkaSettings> {
        let reach = Reach {
            bootstrap_servers: self.bootstrap_servers.clone(),
            properties: self.properties.clone(),
            config: self.kafka_config.clone(),
        };
        reach.settings()
    }
}

impl Reach {
    /// Connects to the cluster, or fails within seconds with the reason.
    pub fn connect(&self) -> anyhow::Result<Connection> {
        Ok(Connection::open(self.settings()?)?)
    }

    /// The configuration file that was given.
    pub fn config(&self) -> Option<&Path> {
        self.config.as_deref()
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
                membership: Membership::Dynamic,
            }),
            None if Path::new(FILE).exists() => of_file(Path::new(FILE)),
            None => Err(Usage(format!(
                "no Kafka brokers given: use -b host:port, set {SERVERS}, or use -c with a \
                 configuration that has [kafka] (this folder has no {FILE})"
            ))
            .into()),
        }
    }
}

fn of_file(file: &Path) -> anyhow::Result<KafkaSettings> {
    let mut settings = config::load_kafka(file)?;
    // With the daemon's instance id, this command would push the daemon out of
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
            "invalid brokers `{servers}`: expected host:port, several separated by commas"
        ))),
    }
}

/// Properties, by any of their names, that an option or Millstream sets, and
/// that would silently be overridden.
const OURS: [(&str, &str); 10] = [
    ("bootstrap.servers", "use -b instead"),
    ("group.id", "use consume --group instead"),
    ("isolation.level", "use consume --isolation instead"),
    ("auto.offset.reset", "use consume --from-beginning instead"),
    (
        "enable.auto.commit",
        "consume commits what was printed, and nothing else",
    ),
    (
        "enable.auto.offset.store",
        "consume commits what was printed, and nothing else",
    ),
    ("enable.partition.eof", "use consume --exit instead"),
    ("acks", "use produce --acks instead"),
    (
        "allow.auto.create.topics",
        "use `millstream topic create` instead",
    ),
    ("transactional.id", "produce does not support transactions"),
];

fn check(key: &str, value: &str) -> Result<(), Usage> {
    if let Some((_, instead)) = OURS.iter().find(|(ours, _)| is_same(ours, key)) {
        return Err(Usage(format!("-X {key}: {instead}")));
    }
    check_property(key, value).map_err(|error| Usage(format!("-X {error}")))
}
