//! Something made of a document, made anew when the document is old or lacks
//! what is looked for.

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

/// A document's own `max-age` counts down to this.
const FRESH_MIN: Duration = Duration::from_secs(60);
/// The same failure is logged again after this long.
const REMIND: Duration = Duration::from_secs(600);
/// Characters of a failure that are logged.
const TOLD_MAX: usize = 300;

/// What is fetched, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it is.
    pub address: Address,
    /// The certificates that vouch for who answers; without it those that the
    /// system trusts.
    pub ca: Option<PathBuf>,
    /// The shortest time between two fetches, whatever is looked for.
    pub cooldown: Duration,
    /// The longest time without a fetch.
    pub max_age: Duration,
}

impl Source {
    /// Looks at what is local: whether the certificates can be read.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn check(&self) -> anyhow::Result<()> {
        Client::new(self.ca.as_deref()).map(|_| ())
    }

    /// How long a document is taken for fresh.
    fn life(&self, document: &Document) -> Duration {
        let low = FRESH_MIN.max(self.cooldown).min(self.max_age);
        let said = document.max_age.unwrap_or(self.max_age);
        said.clamp(low, self.max_age)
    }
}

/// What was made of a document.
pub struct Version<T> {
    /// It.
    pub made: Arc<T>,
    /// When it was asked for: what came to be later isn't in it.
    asked: Instant,
    /// Of the document.
    digest: [u8; 32],
}

type Make<T> = Box<dyn Fn(&[u8]) -> anyhow::Result<T> + Send + Sync>;

/// What was made of the last good document at an address.
pub struct Fetched<T> {
    /// For logs and metrics, in a word.
    what: &'static str,
    source: Source,
    client: Client,
    make: Make<T>,
    current: ArcSwapOption<Version<T>>,
    missing: Mutex<MissingNames>,
    told: Mutex<Option<(String, Instant)>>,
    /// Holds one wish at most: it is for whatever is wanted by then.
    wanted: Arc<Notify>,
}

impl<T: Send + Sync + 'static> Fetched<T> {
    /// Begins to fetch, in a task that ends with the last reference. Must be
    /// called inside of a tokio runtime. Waits for nobody.
    ///
    /// # Errors
    /// When the file with certificates is not good.
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

    /// What is in force now; none: nothing good has come yet.
    pub fn current(&self) -> Option<Arc<Version<T>>> {
        self.current.load_full()
    }

    /// Whether a name that is not in `version` is certainly missing: that was
    /// fetched after the name was first looked for. Otherwise it is to be
    /// looked for again soon. In any case the document is fetched anew as soon
    /// as it may be.
    pub fn is_missing(&self, name: &[u8], version: &Version<T>) -> bool {
        self.wanted.notify_one();
        lock(&self.missing).is_missing(name, version.asked, Instant::now())
    }

    /// Fetches once. Answers how long to wait: at least, and at most.
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

    /// Makes something of a document, unless it is the one that is in force.
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

    /// Logs a failure, unless it is the one that was logged already.
    fn tell(&self, error: &anyhow::Error) {
        let text = format!("{error:#}").replace(char::is_control, " ");
        // It may hold names of a certificate, however many there are.
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
        // The task looks up, and finds that nobody is there.
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
