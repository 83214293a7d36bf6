//! The registry as people ask it: what there is, each answer waited for.

use super::answer::{Refusal, SchemaAnswer, path_of};
use super::asking::{Asking, Trouble, refused};
use super::cache::Known;
use super::settings::RegistrySettings;
use crate::fetch::Server;
use crate::schema::wire::SchemaId;
use anyhow::{Context, anyhow, bail};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// The most bytes of a list of subjects.
const LIST: usize = 64 << 20;

/// A version of a subject.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The subject.
    pub subject: String,
    /// Its version.
    pub version: i32,
    /// The schema's ID.
    pub id: u32,
    /// Its text.
    pub schema: String,
    /// `AVRO` where it is missing.
    pub schema_type: Option<String>,
}

/// A registry, asked from the command line.
pub struct Catalog {
    asking: Asking,
    runtime: Runtime,
}

impl Catalog {
    /// Makes no request.
    ///
    /// # Errors
    /// When certificates or the login can't be used.
    pub fn open(settings: &RegistrySettings) -> anyhow::Result<Catalog> {
        let RegistrySettings { url, login, tls } = settings;
        let server = Server::new(url.clone(), login, tls)?;
        let runtime = tokio::runtime::Builder::new_current_thread();
        Ok(Catalog {
            asking: Asking::new(server, Arc::default(), Arc::default()),
            runtime: { runtime }.enable_all().build()?,
        })
    }

    /// All subjects, sorted.
    ///
    /// # Errors
    /// When the registry does not answer, or refuses.
    pub fn subjects(&self) -> anyhow::Result<Vec<String>> {
        let mut subjects: Vec<String> = self.get("/subjects")?;
        subjects.sort();
        Ok(subjects)
    }

    /// A version of a subject, or the latest one.
    ///
    /// # Errors
    /// When there is none, or the registry does not answer, or refuses.
    pub fn version(&self, subject: &str, version: Option<i32>) -> anyhow::Result<Entry> {
        let encoded = utf8_percent_encode(subject, NON_ALPHANUMERIC);
        let version = version.map_or("latest".into(), |version| version.to_string());
        self.get(&format!("/subjects/{encoded}/versions/{version}"))
    }

    /// The type and the text of a schema.
    ///
    /// # Errors
    /// When there is none, or the registry does not answer, or refuses.
    pub fn text(&self, id: SchemaId) -> anyhow::Result<(String, String)> {
        let answer: SchemaAnswer = self.get(&path_of(id))?;
        let kind = answer.schema_type.unwrap_or_else(|| "AVRO".into());
        Ok((kind, answer.schema))
    }

    /// A schema with all that it refers to, as a pipeline uses it.
    ///
    /// # Errors
    /// Why a pipeline can't use it.
    pub fn known(&self, id: SchemaId) -> anyhow::Result<Known> {
        let asked = self.runtime.block_on(self.asking.ask(id));
        asked.map_err(|trouble| match trouble {
            Trouble::Unknown(why) | Trouble::Unusable(why) | Trouble::Later(why) => anyhow!(why),
        })
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let answer = self.runtime.block_on(self.asking.server.get(path, LIST));
        let answer = answer.with_context(|| format!("GET {path}"))?;
        if answer.status != 200 {
            let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
            match refusal.error_code {
                Refusal::NO_SUBJECT | Refusal::NO_VERSION | Refusal::NO_SCHEMA => {
                    bail!("the schema registry has none: {}", refusal.message)
                }
                _ => bail!(refused(path, &answer)),
            }
        }
        serde_json::from_slice(&answer.body)
            .with_context(|| format!("GET {path}: the answer is not understood"))
    }
}
