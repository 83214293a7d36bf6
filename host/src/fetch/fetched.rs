//! A value parsed from a document, refetched when the document is old or lacks a
//! name that is looked for.

use super::address::Address;
use super::client::{Client, Document};
use super::missing_names::MissingNames;
use anyhow::Context;
use arc_swap::ArcSwapOption;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// The lower bound for a document's `max-age`.
const FRESH_MIN: Duration = Duration::from_secs(60);
/// The same failure is logged again after this long.
const REMIND: Duration = Duration::from_secs(600);
/// The maximum number of characters of a failure that are logged.
const TOLD_MAX: usize = 300;

/// The address of a document, and how often to fetch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The address.
    pub address: Address,
    /// A file with the CA certificates to trust; without it, the system's.
    pub ca: Option<PathBuf>,
    /// The minimum time between two fetches, whatever is looked for.
    pub cooldown: Duration,
    /// The maximum time between two fetches.
    pub max_age: Duration,
}

impl Source {
    /// Checks the local parts: whether the certificates can be read.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn check(&self) -> anyhow::Result<()> {
        Client::new(self.ca.as_deref()).map(|_| ())
    }

    /// How long a document counts as fresh.
    fn life(&self, document: &Document) -> Duration {
        let low = FRESH_MIN.max(self.cooldown).min(self.max_age);
        let said = document.max_age.unwrap_or(self.max_age);
        said.clamp(low, self.max_age)
    }
}

/// The value parsed from a document.
pub struct Version<T> {
    /// The value.
    pub made: Arc<T>,
    /// When it was requested: changes after that are not in it.
    asked: Instant,
    /// The digest of the document.
    digest: [u8; 32],
}

type Make<T> = Box<dyn Fn(&[u8]) -> anyhow::Result<T> + Send + Sync>;

/// The value parsed from the last valid document at an address.
pub struct Fetched<T> {
    /// Its name in logs and metrics.
    what: &'static str,
    source: Source,
    client: Client,
    make: Make<T>,
    current: ArcSwapOption<Version<T>>,
    missing: Mutex<MissingNames>,
    told: Mutex<Option<(String, Instant)>>,
    /// Holds at most one request to fetch: one fetch serves all requests made
    /// before it.
    wanted: Arc<Notify>,
}

impl<T: Send + Sync + 'static> Fetched<T> {
    /// Starts fetching in a task that ends with the last reference. Must be
    /// called in a tokio runtime. Does not wait for the first document.
    ///
    /// # Errors
    /// When the file with certificates is invalid.
    pub fn start(
        what: &'static str,
        source: Source,
        make: impl Fn(&[u8]) -> anyhow::Result<T> + Send + Sync + 'static,
    ) -> anyhow::Result<Arc<Fetched<T>>> {
        let fetched = Arc::new(Fetched {
            what,
            client: Client::new(source.ca.as_deref())?,
            source,
            make: Box::new(make),
            current: ArcSwapOption::empty(),
            missing: Mutex::default(),
            told: Mutex::default(),
            wanted: Arc::default(),
        });
        tokio::spawn(keep(Arc::downgrade(&fetched), fetched.wanted.clone()));
        Ok(fetched)
    }

    /// The current value; `None` if no valid document was fetched yet.
    pub fn current(&self) -> Option<Arc<Version<T>>> {
        self.current.load_full()
    }

    /// Whether a name that is not in `version` is certainly missing: the version
    /// was fetched after the name was first looked for. Otherwise, look for it
    /// again soon. In any case the document is refetched as soon as the cooldown
    /// allows.
    pub fn is_missing(&self, name: &[u8], version: &Version<T>) -> bool {
        self.wanted.notify_one();
        lock(&self.missing).is_missing(name, version.asked, Instant::now())
    }

    /// Fetches once. Returns the minimum and the maximum time until the next
    /// fetch.
    async fn fetch(&self) -> (Duration, Duration) {
        let asked = Instant::now();
        let document = self.client.get(&self.source.address).await;
        let taken = document.and_then(|document| {
            self.take(&document.bytes, asked)?;
            Ok(self.source.life(&document))
        });
        self.count(taken.is_ok());
        let cooldown = self.source.cooldown;
        match taken {
            Ok(life) => (cooldown, life),
            Err(error) => {
                self.tell(&error);
                (cooldown, cooldown)
            }
        }
    }

    /// Parses a document and makes it current, unless it is the current one
    /// already.
    fn take(&self, document: &[u8], asked: Instant) -> anyhow::Result<()> {
        let digest = Sha256::digest(document).into();
        let current = self.current();
        let same = current.filter(|version| version.digest == digest);
        let is_news = same.is_none();
        let made = match same {
            Some(version) => version.made.clone(),
            None => Arc::new((self.make)(document).context("the document is invalid")?),
        };
        let version = Version {
            made,
            asked,
            digest,
        };
        self.current.store(Some(Arc::new(version)));
        if lock(&self.told).take().is_some() || is_news {
            tracing::info!("fetched {} from {}", self.what, self.source.address);
        }
        Ok(())
    }

    /// Logs a failure, unless the same one was logged recently.
    fn tell(&self, error: &anyhow::Error) {
        let text = format!("{error:#}").replace(char::is_control, " ");
        // It may contain any number of names of a certificate.
        let text: String = text.chars().take(TOLD_MAX).collect();
        let mut told = lock(&self.told);
        let known = told
            .as_ref()
            .is_some_and(|(last, at)| *last == text && at.elapsed() < REMIND);
        if known {
            return;
        }
        let until = match self.current.load().is_some() {
            true => "keeping the last valid version",
            false => "none fetched yet",
        };
        tracing::warn!(
            "can't fetch {} from {}; retrying every {:?}, {until}: {text}",
            self.what,
            self.source.address,
            self.source.cooldown
        );
        *told = Some((text, Instant::now()));
    }

    fn count(&self, good: bool) {
        let result = if good { "done" } else { "failed" };
        metrics::counter!("millstream_fetches_total", "what" => self.what, "result" => result)
            .increment(1);
    }
}

impl<T> Drop for Fetched<T> {
    fn drop(&mut self) {
        // Wakes the task, which then finds no references and ends.
        self.wanted.notify_one();
    }
}

async fn keep<T: Send + Sync + 'static>(fetched: Weak<Fetched<T>>, wanted: Arc<Notify>) {
    loop {
        let Some(held) = fetched.upgrade() else {
            return;
        };
        let (least, most) = held.fetch().await;
        drop(held);
        sleep(least).await;
        let _ = timeout(most.saturating_sub(least), wanted.notified()).await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_documents_own_max_age_counts_within_bounds() {
        let source = |cooldown, max_age| Source {
            address: Address::parse("https://issuer.example").unwrap(),
            ca: None,
            cooldown: Duration::from_secs(cooldown),
            max_age: Duration::from_secs(max_age),
        };
        for (source, said, seconds) in [
            (source(10, 3600), None, 3600),
            (source(10, 3600), Some(600), 600),
            (source(10, 3600), Some(86_400), 3600),
            (source(10, 3600), Some(1), 60),
            (source(120, 3600), Some(1), 120),
            (source(1, 5), Some(1), 5),
            (source(1, 5), None, 5),
        ] {
            let document = Document {
                bytes: Vec::new(),
                max_age: said.map(Duration::from_secs),
            };
            assert_eq!(
                source.life(&document).as_secs(),
                seconds,
                "{source:?} {said:?}"
            );
        }
    }
}
