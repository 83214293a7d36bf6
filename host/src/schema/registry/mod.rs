//! A schema registry, asked by the API of Confluent's.
//!
//! Promises: a schema that was found stays known, whatever the registry does; no schema is asked for
//! twice at a time; what an ID means is settled only by an answer of the registry that says so, and
//! anything else is a reason to wait. The registry and its schemas are not trusted.

mod answer;
mod asking;
mod cache;
mod catalog;
mod latest;
mod one;
mod settings;

pub use cache::{Found, Known};
pub use catalog::{Catalog, Entry};
pub use one::Decoded;
pub use settings::RegistrySettings;

use super::wire::SchemaId;
use crate::fetch::Server;
use crate::process;
use asking::{Asking, Wanted};
use cache::{Cache, MOST_ASKED, lock};
use latest::LatestVersions;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::{Sender, channel};

/// A schema registry and the schemas that are known of it. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    cache: Arc<Mutex<Cache>>,
    latest: Arc<Mutex<LatestVersions>>,
    /// Has room for all that are asked for.
    wanted: Sender<Wanted>,
    address: Arc<str>,
}

impl Registry {
    /// Starts the thread that asks. Makes no request yet.
    ///
    /// # Errors
    /// When certificates or the login can't be used.
    pub fn start(settings: &RegistrySettings) -> anyhow::Result<Registry> {
        let RegistrySettings { url, login, tls } = settings;
        let server = Server::new(url.clone(), login, tls)?;
        let cache = Arc::<Mutex<Cache>>::default();
        let latest = Arc::<Mutex<LatestVersions>>::default();
        let (wanted, asked) = channel(MOST_ASKED + latest::MOST);
        let asking = Asking::new(server, cache.clone(), latest.clone());
        // It ends with the last reference to the registry.
        process::thread("registry".into(), || true, move || asking.run(asked))?;
        Ok(Registry {
            cache,
            latest,
            wanted,
            address: url.to_string().into(),
        })
    }

    /// What is known of a schema. Does not wait: if nothing is known, the registry is asked.
    pub fn find(&self, id: SchemaId) -> Found {
        let (found, ask) = lock(&self.cache).find(id);
        if ask {
            // It is never full, and its thread ends only with us.
            let _ = self.wanted.try_send(Wanted::Schema(id));
        }
        found
    }

    /// What is known of the latest schema of a subject. Does not wait: the registry is asked where
    /// nothing is known, and again from time to time.
    pub fn latest(&self, subject: &str) -> Found {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let (id, ask) = latest.find(subject);
        drop(latest);
        if ask {
            let _ = self.wanted.try_send(Wanted::Latest(subject.into()));
        }
        match id {
            Ok(id) => self.find(SchemaId::Number(id)),
            Err(why) => Found::NotYet(why),
        }
    }

    /// Where it is, for messages.
    pub fn address(&self) -> &str {
        &self.address
    }
}
