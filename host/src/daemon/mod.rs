//! The daemon: its parts, started in order and stopped in reverse.
//!
//! Promises: a daemon that can't start leaves nothing running. A daemon that stops
//! finishes its batches, delivers the last events to connected clients, and leaves its
//! consumer groups. This folder composes the stages and does not know how they
//! work; it parses no arguments and prints nothing.

mod edge;
mod local;
mod missing;
mod presence;
mod readiness;
mod run;
mod streams;
mod supervise;

pub(crate) use local::{files, of_plugins, plugins};
pub(crate) use run::{Signals, drain, run};

use crate::admin::{AdminHandler, Guard, Part, PrometheusHandle, install_metrics, keep_up};
use crate::auth::Secret;
use crate::config::{Role, Running, Settings};
use crate::http::{HostGuard, Listener, ListenerSettings, WithRefusalCounts};
use crate::kafka::producer::Producer;
use crate::pipeline::{Pipeline, PipelineSettings, Reload, Reloaded, Swapper};
use crate::plugin::Loader;
use crate::schema::Registry;
use crate::sse::{Extra, Hub};
use crate::store::Store;
use crate::tasks::TaskHandler;
use anyhow::Context;
use edge::Edge;
use missing::look_for;
use readiness::{Readiness, lock, ping};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use supervise::supervise;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long batches in progress may take during a stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How often the samples of metrics are compacted.
const UPKEEP: Duration = Duration::from_secs(5);

/// How long connected clients get to receive the last events.
const LAST_EVENTS: Duration = Duration::from_millis(100);
/// How long tasks in progress may take during a stop.
const LAST_TASKS: Duration = Duration::from_secs(5);
/// How long Kafka may take for the last presence events.
const LAST_NEWS: Duration = Duration::from_secs(2);

/// Additions of the demo.
#[derive(Default)]
pub(crate) struct Extras {
    /// Pages on the listener for browsers, which may use the swapper.
    pub pages: Option<Box<dyn FnOnce(Arc<Swapper>) -> Extra + Send>>,
}

/// A running daemon.
pub(crate) struct Daemon {
    readiness: Arc<Readiness>,
    hub: Option<Arc<Hub>>,
    told: Option<Producer>,
    tasks: Option<Arc<TaskHandler>>,
    swapper: Option<Arc<Swapper>>,
    running: Option<Arc<Running>>,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
    /// The address for browsers, if this daemon serves them.
    pub sse: Option<SocketAddr>,
    /// The address for metrics, health and admin calls.
    pub admin: SocketAddr,
}

impl Daemon {
    /// Binds the ports, loads the plugins, joins the groups.
    ///
    /// # Errors
    /// The step that failed. Nothing keeps running then.
    pub async fn start(
        settings: Settings,
        role: Role,
        config: Option<PathBuf>,
        extras: Extras,
    ) -> anyhow::Result<Daemon> {
        // All TLS code uses the one provider of the process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let metrics = install_metrics()?;
        tokio::spawn(keep_up(metrics.clone(), UPKEEP));
        let store = Arc::new(Store::open(&settings.store)?);
        let edge = match role.serves() {
            true => Some(Edge::bind(&settings, &store).await?),
            false => None,
        };
        let tasks = edge.as_ref().and_then(|edge| edge.tasks.clone());
        let (hub, told, sse) = match &edge {
            Some(edge) => (
                Some(edge.hub.clone()),
                edge.told.clone(),
                Some(edge.address),
            ),
            None => (None, None, None),
        };
        let admin = Listener::bind("admin", settings.admin, admin_connections()).await?;
        let admin_address = admin.address()?;
        let readiness = Arc::new(Readiness::new(role));
        let (stop, stopped) = watch::channel(false);
        let is_loopback = settings.admin.ip().is_loopback();
        let token = settings.admin_token.clone().map(Secret::start);
        let guard = Guard::new(is_loopback, token.transpose()?);
        let shown = (hub.clone(), store.clone());
        let admin_handler = admin_handler(metrics, &readiness, shown, guard);
        let named = HostGuard {
            handler: admin_handler,
            any_name: !is_loopback,
            otherwise: "with [admin] listen beyond loopback, any name is accepted",
        };
        let admin_handler = WithRefusalCounts {
            handler: named,
            listener: "admin",
        };
        let admin = tokio::spawn(admin.serve(Arc::new(admin_handler), stopped.clone()));
        let pinging = ping(store.clone(), readiness.clone());
        match &hub {
            Some(hub) => hub.store().spawn(pinging),
            None => tokio::spawn(pinging),
        };
        let running = config.map(|path| Arc::new(Running::new(path, role, &settings)));
        let mut swapper = None;
        let mut pipelines = Vec::new();
        if role.ingests() {
            let starting = tokio::task::spawn_blocking(move || start_pipelines(&settings, &store));
            let (started, loader) = starting.await.context("starting the pipelines")??;
            let reload = running.clone().map(reload_of);
            swapper = Some(Arc::new(Swapper::start(
                &started,
                Arc::new(loader),
                reload,
            )?));
            pipelines = started;
            pipelines.iter().for_each(look_for_topics);
        }
        *lock(&readiness.pipelines) = Some(pipelines);
        let pages = extras.pages.zip(swapper.clone());
        let extra = pages.map(|(pages, swapper)| pages(swapper));
        let mut listeners = vec![admin];
        listeners.extend(edge.map(|edge| edge.serve(extra, stopped)));
        Ok(Daemon {
            readiness,
            hub,
            told,
            tasks,
            swapper,
            running,
            stop,
            listeners,
            sse,
            admin: admin_address,
        })
    }

    /// Reloads the configuration: plugin tables apply, and the log names the keys that
    /// need a restart.
    pub fn reload(&self) {
        let (swapper, running) = (self.swapper.clone(), self.running.clone());
        tokio::task::spawn_blocking(move || match (swapper, running) {
            (Some(swapper), _) => swapper.reload(),
            (None, Some(running)) => without_plugins(&running),
            (None, None) => {}
        });
    }

    /// Tells systemd, if it started the program, how the daemon is.
    pub fn supervise(&self) -> JoinHandle<Infallible> {
        tokio::spawn(supervise(self.readiness.clone(), self.hub.clone()))
    }

    /// Finishes batches in progress, ends the streams, and leaves the groups.
    pub async fn stop(self) {
        let Daemon {
            readiness,
            hub,
            told,
            tasks,
            swapper,
            stop,
            listeners,
            ..
        } = self;
        let taken = lock(&readiness.pipelines).take();
        let draining = tokio::task::spawn_blocking(move || {
            if let Some(swapper) = swapper {
                swapper.stop();
            }
            std::thread::scope(|scope| {
                for pipeline in taken.into_iter().flatten() {
                    let stop = move || pipeline.stop(DRAIN);
                    // If no thread can start, the pipeline ends as in a crash: the ledger is safe.
                    let _ = std::thread::Builder::new().spawn_scoped(scope, stop);
                }
            });
        });
        let _ = draining.await;
        if let Some(hub) = hub {
            // Clients get the last events first: the doorbell has rung by now.
            tokio::time::sleep(LAST_EVENTS).await;
            hub.close_all();
        }
        let _ = stop.send(true);
        for listener in listeners {
            let _ = listener.await;
        }
        if let Some(tasks) = tasks {
            // A task that was started is finished, even if its client has gone.
            let _ = timeout(LAST_TASKS, tasks.idle()).await;
        }
        if let Some(told) = told {
            // All clients have just disconnected, which makes presence events, too.
            tokio::time::sleep(LAST_EVENTS).await;
            let _ = tokio::task::spawn_blocking(move || told.flush(LAST_NEWS)).await;
        }
    }
}

/// Makes the function that reloads the configuration.
fn reload_of(running: Arc<Running>) -> Reload {
    Box::new(move || {
        let (settings, restart) = running.read_again()?;
        let pipelines = settings.pipelines.into_iter();
        Ok(Reloaded {
            plugins: pipelines.map(|of| (of.name, of.plugins)).collect(),
            restart,
        })
    })
}

/// An edge has no plugins, so no change applies.
fn without_plugins(running: &Arc<Running>) {
    match reload_of(running.clone())() {
        Ok(reloaded) => tracing::info!("{}", reloaded.summary(&[])),
        Err(error) => {
            let error = format!("{error:#}");
            tracing::error!(error, "configuration not reloaded; keeping the running one");
        }
    }
}

/// The admin listener has few clients, and they must not use up the descriptors that
/// browsers, Kafka and Redis need.
fn admin_connections() -> ListenerSettings {
    ListenerSettings {
        connections: 64,
        room: 64,
        ..ListenerSettings::default()
    }
}

fn admin_handler(
    metrics: PrometheusHandle,
    readiness: &Arc<Readiness>,
    (hub, store): (Option<Arc<Hub>>, Arc<Store>),
    guard: Guard,
) -> AdminHandler {
    let (of_gauges, of_reasons) = (readiness.clone(), readiness.clone());
    let (asked, news) = (hub.clone(), store.clone());
    AdminHandler {
        metrics,
        guard,
        more_metrics: Box::new(move || of_gauges.gauges()),
        hub,
        condition: Box::new(move |part| {
            let mut condition = of_reasons.condition(part, asked.as_deref());
            if part != Some(Part::Ingest) {
                condition.reasons.extend(news.not_ready());
            }
            condition.warnings.extend(store.warnings());
            condition
        }),
    }
}

fn start_pipelines(
    settings: &Settings,
    store: &Arc<Store>,
) -> anyhow::Result<(Vec<Pipeline>, Loader)> {
    let loader = local::loader(&settings.pipelines, &settings.cache)?;
    let registry = settings.registry.as_ref().map(Registry::start);
    let registry = registry.transpose().context("can't use [registry]")?;
    let start = |pipeline: &PipelineSettings| {
        let (kafka, store) = (settings.kafka()?, store.clone());
        Pipeline::start(pipeline.clone(), kafka, &loader, store, registry.as_ref())
    };
    let pipelines = settings
        .pipelines
        .iter()
        .map(start)
        .collect::<anyhow::Result<_>>()?;
    Ok((pipelines, loader))
}

/// Kafka's client reports that a topic is missing, but not which.
fn look_for_topics(pipeline: &Pipeline) {
    for topic in pipeline.topics() {
        let topic = topic.clone();
        tokio::spawn(look_for("[[pipeline]] topics", topic, pipeline.has_topic()));
    }
}
