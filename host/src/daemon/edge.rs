//! The part of a daemon that serves browsers.

use super::missing::look_for;
use super::presence::tell_presence;
use super::streams::StoreStreams;
use crate::auth::Auth;
use crate::config::{HttpSettings, Settings};
use crate::http::{
    Handler, HostGuard, Incoming, Listener, ListenerSettings, Peer, Reply, Request, StatusCode,
    WithRefusalCounts, problem,
};
use crate::kafka::producer::{ConfirmedProducer, Producer};
use crate::schema::Registry;
use crate::sse::{Extra, Hub, SseHandler, SseSettings};
use crate::store::Store;
use crate::tasks;
use crate::tasks::{TaskHandler, TaskSettings};
use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Descriptors reserved for everything but browsers: Kafka, Redis, files, the admin
/// listener, and connections over the limit while they are answered.
const OTHERS: u64 = 768;
/// Connections over the limit that are still answered: up to half of them may post a
/// task, the rest get a time to come back.
const ROOM: usize = 256;

/// A bound edge, not yet served.
pub(super) struct Edge {
    /// The connected clients.
    pub hub: Arc<Hub>,
    /// The address for browsers.
    pub address: SocketAddr,
    /// Sends presence events.
    pub told: Option<Producer>,
    auth: Arc<Auth>,
    /// Any Host header is accepted.
    any_name: bool,
    /// The task gateway, if configured.
    pub tasks: Option<Arc<TaskHandler>>,
    listener: Listener,
}

impl Edge {
    /// Reads keys, binds the port, and starts to listen to the store's doorbell.
    ///
    /// # Errors
    /// The step that failed.
    pub async fn bind(settings: &Settings, store: &Arc<Store>) -> anyhow::Result<Edge> {
        let http = &settings.http;
        let auth = Arc::new(Auth::from_settings(settings.auth.clone())?);
        let listener = Listener::bind("sse", http.listen, listener_settings(http)).await?;
        let address = listener.address()?;
        if auth.is_anonymous() {
            tracing::warn!(
                "no authentication: anyone who can reach {address} can read any client's events"
            );
        }
        let told = match (&http.presence_topic, &settings.kafka) {
            (Some(_), Some(kafka)) => Some(Producer::new(kafka)?),
            _ => None,
        };
        let topic = http.presence_topic.clone().unwrap_or_default();
        let presence = told
            .clone()
            .map(|producer| tell_presence(producer, topic, address));
        let streams = Arc::new(StoreStreams(store.clone()));
        let hub = Hub::start(streams, sse_settings(settings), presence)?;
        let tasks = settings.tasks.as_ref();
        let tasks = tasks
            .map(|tasks| gateway(tasks, settings, store, &auth, &hub))
            .transpose()?;
        Ok(Edge {
            tasks,
            hub,
            address,
            told,
            any_name: http.any_name || !auth.is_anonymous(),
            auth,
            listener,
        })
    }

    /// Serves until `stop` is true.
    pub fn serve(self, extra: Option<Extra>, stop: watch::Receiver<bool>) -> JoinHandle<()> {
        let sse = SseHandler {
            hub: self.hub,
            auth: self.auth,
            extra,
        };
        let tasks = self.tasks;
        let named = HostGuard {
            handler: EdgeHandler { sse, tasks },
            any_name: self.any_name,
            otherwise: "with [http] allow-unauthenticated = true, any name is accepted",
        };
        let handler = WithRefusalCounts {
            handler: named,
            listener: "sse",
        };
        tokio::spawn(self.listener.serve(Arc::new(handler), stop))
    }
}

/// Serves streams, and tasks if configured.
struct EdgeHandler {
    sse: SseHandler,
    tasks: Option<Arc<TaskHandler>>,
}

impl Handler for EdgeHandler {
    async fn handle(&self, request: Request<Incoming>, peer: Peer) -> Reply {
        match &self.tasks {
            _ if !TaskHandler::has(request.uri().path()) => self.sse.handle(request, peer).await,
            Some(tasks) => tasks.handle(request, peer).await,
            None => problem(
                StatusCode::NOT_FOUND,
                "tasks are not enabled: the configuration has no [tasks] table",
            ),
        }
    }
}

/// Makes the task gateway, and starts the time-outs of tasks.
fn gateway(
    tasks: &TaskSettings,
    settings: &Settings,
    store: &Arc<Store>,
    auth: &Arc<Auth>,
    hub: &Arc<Hub>,
) -> anyhow::Result<Arc<TaskHandler>> {
    let producer = ConfirmedProducer::new(settings.kafka()?, tasks.acknowledge_within)?;
    let (topic, asked) = (tasks.request_topic.clone(), producer.clone());
    let has = move |topic: &str| asked.has_topic(topic);
    tokio::spawn(look_for("[tasks] request-topic", topic, has));
    let known = hub.clone();
    let registry = settings
        .registry
        .as_ref()
        .filter(|_| tasks.encode.is_some());
    let registry = registry.map(Registry::start).transpose();
    let registry = registry.context("can't use [registry]")?;
    // Requests of tasks must not delay the readers of streams.
    let store = Arc::new(store.apart());
    tokio::spawn(tasks::time_out(store.clone(), tasks.event_kind.clone()));
    Ok(Arc::new(TaskHandler::new(
        tasks.clone(),
        store,
        producer,
        registry.as_ref(),
        auth.clone(),
        settings.http.sse.cors_origins.clone(),
        Box::new(move |client, issued_at| known.is_revoked(client, issued_at)),
    )))
}

fn sse_settings(settings: &Settings) -> SseSettings {
    SseSettings {
        token_life: settings.auth.longest_life(),
        ..settings.http.sse.clone()
    }
}

/// Limits connections to what the limit of descriptors allows.
fn listener_settings(http: &HttpSettings) -> ListenerSettings {
    let descriptors = most_descriptors().saturating_sub(OTHERS).max(64);
    let most = usize::try_from(descriptors).unwrap_or(usize::MAX);
    let asked = http.listener.connections;
    if asked > most && asked < usize::MAX {
        tracing::warn!(
            "max-connections is {asked}, but the open file limit of this process allows only \
             {most}: raise the limit (ulimit -n, LimitNOFILE)"
        );
    }
    ListenerSettings {
        connections: asked.min(most),
        room: ROOM,
        ..http.listener.clone()
    }
}

/// Raises the soft limit of descriptors to the hard limit, and returns it.
fn most_descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    }
    .unwrap_or(u64::MAX)
}
