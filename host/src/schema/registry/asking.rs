//! The thread that asks the registry.

use super::answer::{Reference, Refusal, SchemaAnswer, SubjectVersion, path_of};
use super::cache::{Cache, Known, lock};
use super::latest::LatestVersions;
use crate::fetch::{Answer, Server, TooLong};
use crate::process::THIS_PROGRAM;
use crate::process::child::ChildError;
use crate::schema::parsed::Schema;
use crate::schema::source::{Format, MOST_BYTES, Source};
use crate::schema::wire::SchemaId;
use anyhow::Context;
use metrics::counter;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Receiver;

/// How many schemas are asked for at once; the others wait.
const AT_ONCE: usize = 8;
/// The pause before an ID that failed is asked for again.
const PAUSE: Duration = Duration::from_secs(1);
/// The pause before the registry is asked a second time whether it has no schema of an ID: another
/// node of it may have been asked first, which does not know the newest ones yet.
const SURE: Duration = Duration::from_millis(300);
/// The most bytes of one answer. In JSON, a schema is some times as large.
const ANSWER: usize = 4 * MOST_BYTES;
/// The most schemas that one refers to, directly or not.
const REFERENCES: usize = 256;
/// The longest name of a subject that is kept, in bytes.
const SUBJECT: usize = 1024;

/// An error of a lookup.
pub(super) enum Trouble {
    /// The registry said that it has none.
    Unknown(String),
    /// The schema can't be used.
    Unusable(String),
    /// Ask again later.
    Later(String),
}

/// What the registry is asked for.
pub(super) enum Wanted {
    Schema(SchemaId),
    /// The ID of a subject's latest schema.
    Latest(String),
}

pub(super) struct Asking {
    pub server: Server,
    cache: Arc<Mutex<Cache>>,
    latest: Arc<Mutex<LatestVersions>>,
    /// One child at a time: several would take the time and memory that each may need.
    parsing: Semaphore,
}

impl Asking {
    pub fn new(
        server: Server,
        cache: Arc<Mutex<Cache>>,
        latest: Arc<Mutex<LatestVersions>>,
    ) -> Asking {
        Asking {
            server,
            cache,
            latest,
            parsing: Semaphore::new(1),
        }
    }

    /// Asks for what is wanted, until nobody can want anything.
    pub fn run(self, mut wanted: Receiver<Wanted>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => {
                crate::process::fail(&format!("can't start the registry's thread: {error}"))
            }
        };
        let asking = Arc::new(self);
        let places = Arc::new(Semaphore::new(AT_ONCE));
        runtime.block_on(async {
            while let Some(wanted) = wanted.recv().await {
                let (asking, places) = (asking.clone(), places.clone());
                tokio::spawn(async move {
                    match wanted {
                        Wanted::Schema(id) => asking.settle(id, &places).await,
                        Wanted::Latest(subject) => asking.settle_latest(&subject, &places).await,
                    }
                });
            }
        });
    }

    async fn settle(&self, id: SchemaId, places: &Semaphore) {
        let mut found = self.ask_at_its_turn(id, places).await;
        if let Err(Trouble::Unknown(_)) = found {
            tokio::time::sleep(SURE).await;
            found = self.ask_at_its_turn(id, places).await;
        }
        let result = match &found {
            Ok(_) => "found",
            Err(Trouble::Unknown(_)) => "unknown",
            Err(Trouble::Unusable(_)) => "unusable",
            Err(Trouble::Later(_)) => "failed",
        };
        counter!("millstream_registry_lookups_total", "result" => result).increment(1);
        let mut cache = lock(&self.cache);
        match found {
            Ok(known) => cache.known(known),
            Err(Trouble::Unknown(why)) => {
                let why = format!("the schema registry has no schema {id}: {why}");
                cache.unknown(id, &why);
            }
            Err(Trouble::Unusable(why)) => cache.unusable(id, &why),
            Err(Trouble::Later(why)) => cache.failed(id, &why, PAUSE),
        }
    }

    async fn settle_latest(&self, subject: &str, places: &Semaphore) {
        let place = places.acquire().await;
        let encoded = utf8_percent_encode(subject, NON_ALPHANUMERIC);
        let path = format!("/subjects/{encoded}/versions/latest");
        let answer: Result<SchemaAnswer, Trouble> = self.get(&path).await;
        drop(place);
        let told = match answer {
            Ok(SchemaAnswer { id: Some(id), .. }) => Ok(id),
            Ok(_) => Err(format!("GET {path}: the answer has no id")),
            Err(Trouble::Unknown(why) | Trouble::Unusable(why) | Trouble::Later(why)) => Err(why),
        };
        let latest = self.latest.lock();
        latest
            .unwrap_or_else(PoisonError::into_inner)
            .told(subject, told);
    }

    async fn ask_at_its_turn(&self, id: SchemaId, places: &Semaphore) -> Result<Known, Trouble> {
        let _place = places.acquire().await;
        self.ask(id).await
    }

    /// Asks for a schema and all that it refers to.
    pub async fn ask(&self, id: SchemaId) -> Result<Known, Trouble> {
        let answer: SchemaAnswer = self.get(&path_of(id)).await?;
        let Some(format) = answer.format() else {
            let other = answer.schema_type.unwrap_or_default();
            return Err(unusable(
                id,
                &anyhow::anyhow!("its type {other:?} is not known"),
            ));
        };
        let mut source = Source::new(format, answer.schema);
        self.refer(id, &mut source, answer.references).await?;
        let number = match id {
            SchemaId::Number(number) => Some(number),
            SchemaId::Guid(_) => answer.id,
        };
        let versions = match number {
            Some(number) => self.versions(number).await?,
            None => Vec::new(),
        };
        let _place = self.parsing.acquire().await;
        let program = Path::new(THIS_PROGRAM);
        let parsing = tokio::task::spawn_blocking(move || Schema::parse(&source, program));
        match parsing.await {
            Ok(Ok(schema)) => Ok(Known::new(id, schema, versions)),
            Ok(Err(error)) => match error.downcast_ref() {
                Some(ChildError::Machine(why)) => Err(Trouble::Later(why.clone())),
                _ => Err(unusable(id, &error)),
            },
            Err(error) => Err(unusable(id, &error.into())),
        }
    }

    /// Adds the schemas that a schema refers to, and those that they refer to.
    async fn refer(
        &self,
        id: SchemaId,
        source: &mut Source,
        references: Vec<Reference>,
    ) -> Result<(), Trouble> {
        let mut open = references;
        let mut seen = HashSet::new();
        while let Some(reference) = open.pop() {
            let Reference {
                name,
                subject,
                version,
            } = reference;
            // The same type may be referred to on several ways; one text of it is enough.
            let key = match source.format {
                Format::Avro => (String::new(), subject.clone(), version),
                Format::Protobuf | Format::Json => (name.clone(), subject.clone(), version),
            };
            if !seen.insert(key) {
                continue;
            }
            let encoded = utf8_percent_encode(&subject, NON_ALPHANUMERIC);
            let path = format!("/subjects/{encoded}/versions/{version}");
            let answer: SchemaAnswer = match self.get(&path).await {
                // The registry knows the schema, and must know this one, too.
                Err(Trouble::Unknown(why)) => return Err(Trouble::Later(why)),
                answer => answer?,
            };
            source.references.push((name, answer.schema));
            open.extend(answer.references);
            let count = seen.len() + open.len();
            if count > REFERENCES || source.size() > MOST_BYTES {
                let error = anyhow::anyhow!(
                    "it refers to more than {REFERENCES} schemas or {MOST_BYTES} bytes"
                );
                return Err(unusable(id, &error));
            }
        }
        Ok(())
    }

    /// The subjects that have a schema. A registry that does not tell, or may not tell us, has none.
    async fn versions(&self, number: u32) -> Result<Vec<(String, i32)>, Trouble> {
        let path = format!("/schemas/ids/{number}/versions");
        let answer = self.answer(&path).await?;
        if answer.status != 200 {
            return match is_trouble(answer.status) {
                true => Err(Trouble::Later(refused(&path, &answer))),
                false => Ok(Vec::new()),
            };
        }
        let found: Vec<SubjectVersion> = serde_json::from_slice(&answer.body).unwrap_or_default();
        let mut found: Vec<_> = found
            .into_iter()
            .map(|of| (of.subject, of.version))
            .collect();
        found.sort();
        found.retain(|(subject, _)| subject.len() <= SUBJECT);
        found.truncate(REFERENCES);
        Ok(found)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Trouble> {
        let answer = self.answer(path).await?;
        if answer.status == 200 {
            let parsed =
                serde_json::from_slice(&answer.body).context("the answer is not understood");
            return parsed.map_err(|error| Trouble::Later(format!("GET {path}: {error:#}")));
        }
        let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
        let why = refused(path, &answer);
        match (answer.status, refusal.error_code) {
            (404, Refusal::NO_SCHEMA) => Err(Trouble::Unknown(why)),
            _ => Err(Trouble::Later(why)),
        }
    }

    async fn answer(&self, path: &str) -> Result<Answer, Trouble> {
        self.server.get(path, ANSWER).await.map_err(|error| {
            let why = format!("GET {path}: {error:#}");
            match error.is::<TooLong>() {
                true => Trouble::Unusable(why),
                false => Trouble::Later(why),
            }
        })
    }
}

/// Whether another try may be answered otherwise.
fn is_trouble(status: u16) -> bool {
    status >= 500 || matches!(status, 408 | 429)
}

pub(super) fn refused(path: &str, answer: &Answer) -> String {
    let Refusal { message, .. } = serde_json::from_slice(&answer.body).unwrap_or_default();
    let message: String = { message.chars() }
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(200)
        .collect();
    let hint = match answer.status {
        401 => " (check [registry] username and password, or token)",
        403 => " (the registry's permissions do not allow it)",
        404 => " (check the path in [registry] url)",
        _ => "",
    };
    match message.is_empty() {
        true => format!("GET {path}: status {}{hint}", answer.status),
        false => format!("GET {path}: status {}: {message}", answer.status),
    }
}

fn unusable(id: SchemaId, error: &anyhow::Error) -> Trouble {
    Trouble::Unusable(format!("the schema {id} can't be used: {error:#}"))
}
