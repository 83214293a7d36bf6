//! What may stand in the file, key by key. Unknown keys are errors.

use super::values::{self, Bytes, List, Names, Text, Time};
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    pub kafka: Option<Kafka>,
    pub store: Store,
    #[serde(default)]
    pub http: Http,
    pub auth: Option<Auth>,
    #[serde(default)]
    pub admin: Admin,
    #[serde(default)]
    pub plugins: Plugins,
    pub tasks: Option<Spanned<Tasks>>,
    #[serde(default, deserialize_with = "values::pipelines")]
    pub pipeline: Vec<Spanned<Pipeline>>,
}

/// A file of which only this table counts.
#[derive(Deserialize)]
pub(super) struct OnlyKafka {
    pub kafka: Option<Kafka>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Kafka {
    pub bootstrap_servers: Spanned<Text>,
    pub group_id: Option<Spanned<Text>>,
    #[serde(default)]
    pub properties: BTreeMap<Spanned<String>, Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Store {
    pub url: Spanned<Text>,
    pub username: Option<Spanned<Text>>,
    pub password: Option<Spanned<Text>>,
    pub tls: Option<Spanned<StoreTls>>,
    #[serde(default)]
    pub retention: Retention,
    pub key_prefix: Option<Spanned<Text>>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "{ ca = \"...\" }"
)]
pub(super) struct StoreTls {
    pub ca: Option<Text>,
    pub certificate: Option<Text>,
    pub key: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Retention {
    pub max_events: Option<Spanned<u64>>,
    pub max_age: Option<Spanned<Time>>,
    pub idle_expiry: Option<Spanned<Time>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Http {
    pub listen: Option<Spanned<Text>>,
    #[serde(default)]
    pub allow_unauthenticated: bool,
    pub tls: Option<Tls>,
    #[serde(default, deserialize_with = "values::origins")]
    pub cors_origins: Vec<Spanned<Text>>,
    pub heartbeat: Option<Spanned<Time>>,
    pub retry: Option<Spanned<Time>>,
    pub write_timeout: Option<Spanned<Time>>,
    pub header_timeout: Option<Spanned<Time>>,
    pub drain: Option<Spanned<Time>>,
    pub max_connections: Option<Spanned<usize>>,
    pub max_connections_per_client: Option<Spanned<usize>>,
    pub max_connections_per_address: Option<Spanned<usize>>,
    pub max_queued: Option<Spanned<Bytes>>,
    pub max_groups: Option<Spanned<usize>>,
    pub presence_topic: Option<Spanned<Text>>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "{ certificate = \"...\", key = \"...\" }"
)]
pub(super) struct Tls {
    pub certificate: Text,
    pub key: Text,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Auth {
    pub anonymous: Option<Spanned<bool>>,
    #[serde(default, deserialize_with = "values::auth_keys")]
    pub key: Vec<AuthKey>,
    pub jwks: Option<Spanned<Text>>,
    pub jwks_ca: Option<Spanned<Text>>,
    pub jwks_cooldown: Option<Spanned<Time>>,
    pub jwks_max_age: Option<Spanned<Time>>,
    pub issuer: Option<Spanned<Names>>,
    pub audience: Option<Spanned<Names>>,
    pub leeway: Option<Spanned<Time>>,
    pub require_expiry: Option<Spanned<bool>>,
    pub max_token_life: Option<Spanned<Time>>,
    pub client_claim: Option<Spanned<Text>>,
    pub groups_claim: Option<Spanned<Text>>,
    pub services_claim: Option<Spanned<Text>>,
    pub cookie: Option<Spanned<Text>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct AuthKey {
    pub algorithm: Spanned<Algorithm>,
    pub file: Text,
    pub id: Option<Spanned<Text>>,
    pub encoding: Option<Spanned<Encoding>>,
}

#[derive(Deserialize, Clone, Copy)]
pub(super) enum Algorithm {
    #[serde(rename = "HS256")]
    Hs256,
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Encoding {
    Raw,
    Base64,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Admin {
    pub listen: Option<Spanned<Text>>,
    pub token: Option<Spanned<Text>>,
    pub token_file: Option<Spanned<Text>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Plugins {
    pub cache: Option<Text>,
    #[serde(default)]
    pub fallback: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Tasks {
    pub request_topic: Spanned<Text>,
    pub timeout: Option<Spanned<Time>>,
    pub keep: Option<Spanned<Time>>,
    pub acknowledge_within: Option<Spanned<Time>>,
    pub max_body: Option<Spanned<Bytes>>,
    pub rate: Option<Rate>,
    #[serde(rename = "final")]
    pub ends: Option<Spanned<List<Text>>>,
    pub event_type: Option<Spanned<Text>>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "{ per-second = 10 }"
)]
pub(super) struct Rate {
    pub per_second: Spanned<f64>,
    pub burst: Option<Spanned<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Pipeline {
    pub name: Spanned<Text>,
    pub topics: Spanned<List<Spanned<Text>>>,
    pub output_topics: Option<List<Spanned<Text>>>,
    pub group_id: Option<Spanned<Text>>,
    #[serde(default)]
    pub start: Start,
    #[serde(default)]
    pub deliver: Deliver,
    #[serde(default)]
    pub lost_records: OnLoss,
    #[serde(default)]
    pub remade_topic: OnLoss,
    #[serde(default)]
    pub lost_ledger: LostLedger,
    #[serde(default)]
    pub breaker: Breaker,
    pub create_dead_letter_topics: Option<bool>,
    #[serde(default)]
    pub oversize_letters: Oversize,
    #[serde(default)]
    pub replays: bool,
    pub workers: Option<Spanned<usize>>,
    #[serde(default)]
    pub batch: Batch,
    #[serde(default)]
    pub retry: Retry,
    pub transform: Option<Spanned<Plugin>>,
    pub route: Option<Spanned<Plugin>>,
    pub dead_letter: Option<Spanned<Plugin>>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Start {
    #[default]
    Earliest,
    Latest,
    Committed,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum LostLedger {
    #[default]
    Committed,
    Start,
    Halt,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum OnLoss {
    #[default]
    Halt,
    Continue,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Oversize {
    #[default]
    Omit,
    Wait,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Breaker {
    #[serde(default)]
    pub action: Action,
    pub max_failures: Option<Spanned<f64>>,
    pub min_records: Option<Spanned<u64>>,
    pub window: Option<Spanned<u64>>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Action {
    #[default]
    Previous,
    Halt,
    Off,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Deliver {
    #[default]
    Always,
    WhileConnected,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Batch {
    pub max_records: Option<Spanned<usize>>,
    pub max_bytes: Option<Spanned<Bytes>>,
    pub max_record_bytes: Option<Spanned<Bytes>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Retry {
    pub max_attempts: Option<Spanned<u32>>,
    pub max_delay: Option<Spanned<Time>>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "{ plugin = \"...\" }"
)]
pub(super) struct Plugin {
    pub plugin: Spanned<Text>,
    pub config: Option<Spanned<toml::Value>>,
    #[serde(default)]
    pub limits: Limits,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Limits {
    pub memory: Option<Spanned<Bytes>>,
    pub cpu_per_batch: Option<Spanned<Time>>,
    pub cpu_per_record: Option<Spanned<Time>>,
    pub output: Option<Spanned<Bytes>>,
}
