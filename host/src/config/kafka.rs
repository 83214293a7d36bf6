//! `[kafka]`.

use super::checker::{Checked, Checker};
use super::values::Text;
use crate::kafka::{KafkaSettings, Membership, default_state};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Kafka {
    pub bootstrap_servers: Spanned<Text>,
    pub group_id: Option<Spanned<Text>>,
    #[serde(default)]
    pub membership: Kind,
    pub state_dir: Option<Text>,
    #[serde(default)]
    pub properties: BTreeMap<Spanned<String>, Text>,
}

/// The kind of membership.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Dynamic,
    #[default]
    Static,
}

impl Checker<'_> {
    pub(super) fn kafka(&self, kafka: Kafka) -> Checked<KafkaSettings> {
        let servers = &kafka.bootstrap_servers;
        let well_formed = |server: &str| {
            server.trim().rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
            })
        };
        if !servers.get_ref().0.split(',').all(well_formed) {
            return self.error(
                servers.span(),
                "expected host:port, several separated by commas",
            );
        }
        let spans: HashMap<String, Range<usize>> = kafka
            .properties
            .keys()
            .map(|key| (key.get_ref().clone(), key.span()))
            .collect();
        let properties = kafka
            .properties
            .into_iter()
            .map(|(k, v)| (k.into_inner(), v.0))
            .collect();
        let bootstrap_servers = kafka.bootstrap_servers.into_inner().0;
        let given = kafka.state_dir.map(|folder| self.resolve(&folder.0));
        let membership = match kafka.membership {
            Kind::Dynamic => Membership::Dynamic,
            Kind::Static => Membership::Static(given.or_else(default_state)),
        };
        let settings = KafkaSettings {
            bootstrap_servers,
            properties,
            membership,
        };
        match settings.check() {
            Ok(()) => Ok(settings),
            Err(error) => {
                let span = spans.get(&error.property).cloned().unwrap_or_default();
                self.error(span, format!("[kafka.properties] {error}"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
