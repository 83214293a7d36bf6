//! Connecting to a cluster, or failing within seconds with the reason.

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

/// The time limit for the first answer: people wait for it.
const CONNECT: Duration = Duration::from_millis(4500);

/// A cluster that has answered once.
pub struct Connection {
    consumer: Arc<BaseConsumer<Quiet>>,
    /// The settings it was opened with.
    pub(super) settings: KafkaSettings,
}

/// Collects librdkafka's errors instead of logging them, until they are asked
/// for.
#[derive(Default)]
pub(super) struct Quiet(Mutex<Trouble>);

#[derive(Default, Clone)]
pub(super) struct Trouble {
    /// The last error.
    pub why: Option<String>,
    /// Retrying is useless.
    pub hopeless: bool,
}

impl Quiet {
    fn state(&self) -> MutexGuard<'_, Trouble> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn trouble(&self) -> Trouble {
        self.state().clone()
    }

    /// Clears the errors, since an answer came.
    pub fn fine(&self) {
        *self.state() = Trouble::default();
    }
}

impl ClientContext for Quiet {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(target: "librdkafka", facility, "{message}");
        // Some reasons come only as a log line, such as a closed connection.
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
        // "All brokers are down" comes after the reason and says less.
        if !(code == Some(AllBrokersDown) && trouble.why.is_some()) {
            trouble.why = Some(tidy(reason));
        }
        trouble.hopeless |= matches!(code, Some(AllBrokersDown | Authentication | SSL));
    }
}

impl ConsumerContext for Quiet {}

/// The properties that all our clients share.
pub(super) fn config(settings: &KafkaSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("client.id", "millstream");
    config.extend(settings.properties.clone());
    config.set("bootstrap.servers", &settings.bootstrap_servers);
    // Needed for the reasons; they are not logged otherwise.
    config.set_log_level(RDKafkaLogLevel::Info);
    config
}

impl Connection {
    /// Connects to the cluster, or fails within five seconds.
    ///
    /// # Errors
    /// When librdkafka rejects the properties, or no broker answers.
    pub fn open(settings: KafkaSettings) -> Result<Connection, ClusterError> {
        let mut config = config(&settings);
        // A query must never create the topic that it asks for.
        config.set("allow.auto.create.topics", "false");
        config.remove("group.id");
        let consumer = config.create_with_context(Quiet::default());
        let consumer = Arc::new(consumer.map_err(refused)?);
        let connection = Connection { consumer, settings };
        match connection.first_answer() {
            Ok(()) => Ok(connection),
            Err(why) => {
                let error = connection.unreachable(&why);
                // Dropping it would wait for its threads, and one may be
                // resolving a name for a minute.
                std::mem::forget(connection);
                Err(error)
            }
        }
    }

    fn first_answer(&self) -> Result<(), String> {
        let (tell, answered) = sync_channel(1);
        let consumer = self.consumer.clone();
        // On a separate thread, so that errors are collected meanwhile.
        let asking = move || {
            // SAFETY: this thread holds a reference to the consumer.
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

    /// As [`Connection::unreachable`], with the last error as the reason.
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

/// The advice for a reason.
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
