//! A daemon's parts, started in order and stopped in the other.

use crate::admin::{AdminHandler, install_metrics};
use crate::auth::Auth;
use crate::config::{PluginSettings, Settings};
use crate::http::{Listener, ListenerSettings};
use crate::pipeline::{Pipeline, StoreStreams, Swapper, gauges};
use crate::plugin::Loader;
use crate::sse::{Extra, Hub, SseHandler, SseSettings};
use crate::store::Store;
use anyhow::Context;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long batches in hand may take at the end.
const DRAIN: Duration = Duration::from_secs(10);
/// How often the store is asked whether it answers.
const PING: Duration = Duration::from_secs(2);

/// What the demo adds.
#[derive(Default)]
pub(super) struct Extras {
    /// Pages on the listener for browsers; they may use the swapper once it is
    /// there.
    pub pages: Option<Box<dyn FnOnce(Arc<Swapper>) -> Extra + Send>>,
}

/// What answers why the daemon isn't ready.
#[derive(Default)]
struct Readiness {
    pipelines: Mutex<Option<Vec<Pipeline>>>,
    store: Mutex<Option<String>>,
}

/// A running daemon.
pub(super) struct Daemon {
    readiness: Arc<Readiness>,
    hub: Arc<Hub>,
    swapper: Arc<Swapper>,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
    /// Where browsers are served.
    pub sse: SocketAddr,
    /// Where metrics, health and the admin calls are.
    pub admin: SocketAddr,
}

impl Daemon {
    /// Binds the ports, loads the plugins, joins the groups.
    ///
    /// # Errors
    /// What could not be done. Nothing runs on then.
    pub async fn start(
        settings: Settings,
        config: Option<PathBuf>,
        extras: Extras,
    ) -> anyhow::Result<Daemon> {
        // Everything that uses TLS takes the process's one provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let metrics = install_metrics()?;
        let auth = Auth::from_settings(settings.auth.clone())?;
        let sse = Listener::bind("sse", settings.http.listen, ListenerSettings::default()).await?;
        let admin = Listener::bind("admin", settings.admin, ListenerSettings::default()).await?;
        let (sse_address, admin_address) = (sse.address()?, admin.address()?);
        tracing::warn!(
            "there is no authentication: whoever reaches {sse_address} can read any client's events"
        );
        let store = Arc::new(Store::open(&settings.store)?);
        let readiness = Arc::new(Readiness::default());
        let hub = Hub::start(
            Arc::new(StoreStreams(store.clone())),
            SseSettings::default(),
            None,
        );
        let (stop, stopped) = watch::channel(false);
        let not_ready = {
            let (readiness, hub) = (readiness.clone(), hub.clone());
            move || readiness.reasons(&hub)
        };
        let more_metrics = {
            let readiness = readiness.clone();
            move || readiness.gauges()
        };
        let admin_handler = AdminHandler {
            metrics,
            more_metrics: Box::new(more_metrics),
            hub: Some(hub.clone()),
            not_ready: Box::new(not_ready),
        };
        let admin = tokio::spawn(admin.serve(Arc::new(admin_handler), stopped.clone()));
        tokio::spawn(ping(store.clone(), readiness.clone()));
        let starting = {
            let store = store.clone();
            tokio::task::spawn_blocking(move || start_pipelines(&settings, &store))
        };
        let (pipelines, loader) = starting.await.context("starting the pipelines")??;
        let swapper = Arc::new(Swapper::start(&pipelines, Arc::new(loader), config)?);
        *readiness
            .pipelines
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(pipelines);
        let extra = extras.pages.map(|pages| pages(swapper.clone()));
        let handler = Arc::new(SseHandler {
            hub: hub.clone(),
            extra,
        });
        let sse = tokio::spawn(sse.serve(handler, stopped));
        Ok(Daemon {
            readiness,
            hub,
            swapper,
            stop,
            listeners: vec![sse, admin],
            sse: sse_address,
            admin: admin_address,
        })
    }

    /// Reads the plugin tables of the configuration again.
    pub fn reload(&self) {
        let swapper = self.swapper.clone();
        tokio::task::spawn_blocking(move || swapper.reload());
    }

    /// Finishes what is in hand, ends the streams, leaves.
    pub async fn stop(self) {
        let Daemon {
            readiness,
            hub,
            swapper,
            stop,
            listeners,
            ..
        } = self;
        let taken = readiness
            .pipelines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let draining = tokio::task::spawn_blocking(move || {
            swapper.stop();
            std::thread::scope(|scope| {
                for pipeline in taken.into_iter().flatten() {
                    scope.spawn(move || pipeline.stop(DRAIN));
                }
            });
        });
        let _ = draining.await;
        // Readers get the last events first: the bell has rung by now.
        tokio::time::sleep(Duration::from_millis(100)).await;
        hub.close_all();
        let _ = stop.send(true);
        for listener in listeners {
            let _ = listener.await;
        }
    }
}

fn start_pipelines(
    settings: &Settings,
    store: &Arc<Store>,
) -> anyhow::Result<(Vec<Pipeline>, Loader)> {
    // Two generations at once while one replaces the other, a policy for the
    // back, and what conformance needs.
    let workers: usize = settings
        .pipelines
        .iter()
        .map(|pipeline| pipeline.workers)
        .sum();
    let instances = u32::try_from(workers * 8 + 16).unwrap_or(u32::MAX);
    let plugins = settings.pipelines.iter().map(|pipeline| &pipeline.plugins);
    let memory = plugins.map(largest_memory).max().unwrap_or_default();
    let loader = Loader::new(instances, memory, &settings.cache)?;
    let start = |pipeline: &crate::config::PipelineSettings| {
        Pipeline::start(pipeline.clone(), settings, &loader, store.clone())
    };
    let pipelines = settings
        .pipelines
        .iter()
        .map(start)
        .collect::<anyhow::Result<_>>()?;
    Ok((pipelines, loader))
}

fn largest_memory(plugins: &PluginSettings) -> usize {
    let PluginSettings {
        transform,
        route,
        dead_letter,
    } = plugins;
    [transform, route, dead_letter]
        .map(|spec| spec.limits.memory)
        .into_iter()
        .max()
        .unwrap_or(0)
}

impl Readiness {
    fn gauges(&self) -> String {
        let pipelines = self
            .pipelines
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        gauges::exposition(pipelines.as_deref().unwrap_or_default())
    }

    fn reasons(&self, hub: &Hub) -> Vec<String> {
        let mut reasons = Vec::new();
        match &*self
            .pipelines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
        {
            None => reasons.push("the plugins are not live, or the daemon is stopping".into()),
            Some(pipelines) => reasons.extend(pipelines.iter().flat_map(Pipeline::not_ready)),
        }
        reasons.extend(
            self.store
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        );
        reasons.extend(hub.not_ready());
        reasons
    }
}

/// Asks the store now and then, so that readiness knows before an event does.
async fn ping(store: Arc<Store>, readiness: Arc<Readiness>) {
    let mut every = tokio::time::interval(PING);
    loop {
        every.tick().await;
        let answer = store
            .ping()
            .await
            .err()
            .map(|e| format!("the store does not answer: {e}"));
        *readiness
            .store
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = answer;
    }
}
