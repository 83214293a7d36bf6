//! Reaching a cluster, or saying soon why not.

use super::ClusterError;
use super::KafkaSettings;
use super::cluster_error::tidy;
use super::native::call;
use crate::kafka::native::ask::Kafka;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the first answer may take: people wait for it.
const CONNECT: Duration = Duration::from_millis(4500);

/// A cluster that has answered once.
pub struct Connection {
    consumer: Arc<BaseConsumer<Quiet>>,
    /// How it was reached.
    pub(super) settings: KafkaSettings,
}

/// Keeps librdkafka's complaints to itself, until someone asks.
#[derive(Default)]
pub(super) struct Quiet(Mutex<Trouble>);

#[derive(Default, Clone)]
pub(super) struct Trouble {
    /// What was complained of last.
    pub why: Option<String>,
    /// Trying on is of no use.
    pub hopeless: bool,
}

impl Quiet {
    fn state(&self) -> MutexGuard<'_, Trouble> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn trouble(&self) -> Trouble {
        self.state().clone()
    }

    /// Forgets what was: an answer came.
    pub fn fine(&self) {
        *self.state() = Trouble::default();
    }
}

impl ClientContext for Quiet {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", facility, "{message}");
        // Some reasons come as a log line alone, such as a hung-up connection.
        if facility == "FAIL" {
            let bare = message.split_once("]: ").map_or(message, |(_, bare)| bare);
            self.state().why = Some(tidy(bare));
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        use RDKafkaErrorCode::{AllBrokersDown, Authentication, PartitionEOF, SSL};
        let code = error.rdkafka_error_code();
        if code == Some(PartitionEOF) {
            return;
        }
        tracing::debug!(target: "librdkafka", %error, reason);
        let mut trouble = self.state();
        // "All brokers are down" comes after why, and says less.
        if !(code == Some(AllBrokersDown) && trouble.why.is_some()) {
            trouble.why = Some(tidy(reason));
        }
        trouble.hopeless |= matches!(code, Some(AllBrokersDown | Authentication | SSL));
    }
}

impl ConsumerContext for Quiet {}

/// The properties that every client of ours is made with.
pub(super) fn config(settings: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("client.id", "millstream");
    config.extend(settings.properties.clone());
    config.set("bootstrap.servers", &settings.bootstrap_servers);
    // For the reasons; nobody else hears them.
    config.set_log_level(RDKafkaLogLevel::Info);
    config
}

impl Connection {
    /// Reaches the cluster: within five seconds, or not at all.
    ///
    /// # Errors
    /// Properties that librdkafka refuses; no broker that answers.
    pub fn open(settings: KafkaSettings) -> Result<Connection, ClusterError> {
        let mut config = config(&settings);
        // A question must never make what it asks for.
        config.set("allow.auto.create.topics", "false");
        config.remove("group.id");
        let consumer = config.create_with_context(Quiet::default());
        let consumer = Arc::new(consumer.map_err(refused)?);
        let connection = Connection { consumer, settings };
        match connection.first_answer() {
            Ok(()) => Ok(connection),
            Err(why) => {
                let error = connection.unreachable(&why);
                // Destroying it waits for its threads, of which one may be
                // looking up a name for a minute.
                std::mem::forget(connection);
                Err(error)
            }
        }
    }

    fn first_answer(&self) -> Result<(), String> {
        let (tell, answered) = sync_channel(1);
        let consumer = self.consumer.clone();
        // A thread of its own, so that complaints are heard meanwhile.
        let asking = move || {
            // SAFETY: the consumer is ours for as long as this thread runs.
            let answer = unsafe { call::brokers(consumer.client().native_ptr(), CONNECT) };
            drop(consumer);
            let _ = tell.send(answer);
        };
        let asking = std::thread::Builder::new().spawn(asking);
        asking.map_err(|error| format!("can't start a thread: {error}"))?;
        let until = Instant::now() + CONNECT;
        loop {
            let answer = answered.recv_timeout(Duration::from_millis(10));
            while self.consumer.poll(Duration::ZERO).is_some() {}
            let trouble = self.consumer.context().trouble();
            match answer {
                Ok(true) => return Ok(()),
                Err(RecvTimeoutError::Timeout) if !trouble.hopeless && Instant::now() < until => {}
                _ => return Err(why(trouble)),
            }
        }
    }

    /// The client, live for as long as `self`.
    pub(super) fn native(&self) -> Kafka {
        self.consumer.client().native_ptr()
    }

    pub(super) fn unreachable(&self, why: &str) -> ClusterError {
        let servers = self.settings.bootstrap_servers.clone();
        let said = why.trim_start_matches(&format!("{servers}: "));
        let why = format!("{said}; {}", hint(said));
        ClusterError::Unreachable { servers, why }
    }

    /// As [`Connection::unreachable`], by what was complained of since.
    pub(super) fn lost(&self) -> ClusterError {
        while self.consumer.poll(Duration::ZERO).is_some() {}
        self.unreachable(&why(self.consumer.context().trouble()))
    }
}

pub(super) fn refused(error: KafkaError) -> ClusterError {
    let said = match error {
        KafkaError::ClientConfig(_, said, name, _) => format!("{name}: {said}"),
        KafkaError::ClientCreation(said) => said,
        other => other.to_string(),
    };
    ClusterError::Properties(said)
}

fn why(trouble: Trouble) -> String {
    trouble.why.unwrap_or_else(|| "no answer".into())
}

/// What to do about it.
fn hint(why: &str) -> &'static str {
    let says = |text: &str| why.contains(text);
    if says("SSL")
        || says("ssl://")
        || says("security.protocol")
        || says("SASL")
        || says("uthentication")
    {
        "check security.protocol, ssl.* and sasl.* (-X, or [kafka.properties] in the configuration)"
    } else if why.starts_with("Disconnected") {
        "the broker closed the connection; if it requires TLS or a login, check security.protocol, \
         ssl.* and sasl.* (-X, or [kafka.properties] in the configuration)"
    } else if says("Invalid response size") {
        "the server at this address is not Kafka, or requires TLS"
    } else if says("resolve") {
        "check the host name"
    } else if why.starts_with("Connect to ") {
        "is it running there?"
    } else {
        "is it running, and does it advertise an address that is reachable from here?"
    }
}
