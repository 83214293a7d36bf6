//! Where the plugin goes live: a daemon in this process, or the author's.

use super::options::Options;
use super::records::Recent;
use super::say::say;
use super::scene::{self, PIPELINE};
use crate::authoring::Project;
use crate::config::{self, Role, Settings};
use crate::daemon::{Daemon, Extras};
use crate::fetch::{self, Address};
use crate::kafka::mock::MockKafka;
use crate::kafka::{Begin, Connection, OffsetSpec, Reader, Reading, Step};
use crate::pipeline::{PipelineSettings, PluginSettings, Swapper};
use crate::plugin::{PluginKind, Source};
use anyhow::{Context, anyhow, bail};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// How long the author's daemon may take to make a plugin live.
const PATIENCE: Duration = Duration::from_secs(30);

/// The daemon.
pub(super) enum Target {
    /// In this process, started with the first plugin that works.
    Here {
        listen: SocketAddr,
        rate: u32,
        recent: Arc<Recent>,
        running: Mutex<Option<Box<Running>>>,
    },
    /// The author's, which watches the plugin's file.
    There { metrics: Address },
}

/// The daemon in this process.
pub(super) struct Running {
    /// Kept alive.
    _daemon: Daemon,
    swapper: Arc<Swapper>,
    plugins: PluginSettings,
}

impl Target {
    /// The daemon that the options name.
    ///
    /// # Errors
    /// If the author's configuration does not use the project's plugin.
    pub fn new(
        options: &Options,
        project: &Project,
        recent: &Arc<Recent>,
    ) -> anyhow::Result<Target> {
        let Some(path) = &options.into else {
            return Ok(Target::Here {
                listen: options.listen,
                rate: options.rate,
                recent: recent.clone(),
                running: Mutex::new(None),
            });
        };
        let settings = config::load(path, Role::All)?;
        let pipeline = pipeline_of(&settings, project).with_context(|| {
            format!(
                "{}: no pipeline uses {}: name it in `{} = {{ plugin = \"...\" }}`",
                path.display(),
                project.artefact().display(),
                project.kind.name()
            )
        })?;
        follow(&settings, pipeline, recent.clone())?;
        let metrics = format!("http://{}/metrics", settings.admin);
        let metrics = Address::parse(&metrics).map_err(|why| anyhow!("[admin] listen: {why}"))?;
        Ok(Target::There { metrics })
    }

    /// Makes the plugin live that was just put in its place.
    ///
    /// # Errors
    /// Why it is not live.
    pub fn swap(&self, project: &Project, digest: &str, runtime: &Handle) -> anyhow::Result<()> {
        match self {
            Target::There { metrics } => runtime.block_on(is_live(metrics, digest)),
            Target::Here {
                listen,
                rate,
                recent,
                running,
            } => {
                let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
                match &mut *running {
                    Some(running) => running.swap(project),
                    none => {
                        let started = start(project, *listen, *rate, recent, runtime)?;
                        *none = Some(Box::new(started));
                        Ok(())
                    }
                }
            }
        }
    }
}

impl Running {
    fn swap(&mut self, project: &Project) -> anyhow::Result<()> {
        scene::use_project(&mut self.plugins, project);
        let swapped = self.swapper.use_plugins(PIPELINE, self.plugins.clone());
        swapped.map_err(anyhow::Error::msg)
    }
}

fn start(
    project: &Project,
    listen: SocketAddr,
    rate: u32,
    recent: &Arc<Recent>,
    runtime: &Handle,
) -> anyhow::Result<Running> {
    let dead_letters = format!("{PIPELINE}-dlq");
    let outputs = scene::topics(project);
    let mut topics = vec![(PIPELINE, 3), (&*dead_letters, 1)];
    topics.extend(outputs.iter().map(|topic| (&**topic, 1)));
    topics.dedup_by_key(|(topic, _)| *topic);
    let kafka = Arc::new(MockKafka::start(&topics)?);
    let settings = scene::settings(project, kafka.bootstrap_servers(), listen)?;
    let plugins = settings.pipelines[0].plugins.clone();
    let (give, given) = sync_channel(1);
    let extras = Extras {
        pages: Some(Box::new(move |swapper| {
            let _ = give.send(swapper);
            Box::new(|_| None)
        })),
    };
    let daemon = runtime.block_on(Daemon::start(settings, Role::All, None, extras))?;
    let swapper = given.recv().context("the daemon has no pipeline")?;
    if let Some(address) = daemon.sse {
        say(&format!(
            "{rate} records per second from fixtures/ go through the plugin; read a client's events \
             with\n  curl -N 'http://{address}/v1/events?client=NAME'"
        ));
    }
    let (recent, pause) = (recent.clone(), Duration::from_secs(1) / rate.max(1));
    let source = std::thread::Builder::new().name("dev-source".into());
    source.spawn(move || {
        for number in 0.. {
            if let Some(record) = recent.fixture(number)
                && kafka.copy(PIPELINE, &record)
            {
                recent.push(&record);
            }
            std::thread::sleep(pause);
        }
    })?;
    Ok(Running {
        _daemon: daemon,
        swapper,
        plugins,
    })
}

/// The pipeline that uses the project's file.
fn pipeline_of<'a>(settings: &'a Settings, project: &Project) -> Option<&'a PipelineSettings> {
    let file = |path: &Path| {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
        Some(folder.join(path.file_name()?))
    };
    // The folder that the build will write to.
    let _ = std::fs::create_dir_all(project.folder.join("dist"));
    let own = file(&project.artefact())?;
    let uses = |pipeline: &&PipelineSettings| {
        let plugins = &pipeline.plugins;
        let spec = match project.kind {
            PluginKind::Transform => &plugins.transform,
            PluginKind::Route => &plugins.route,
            PluginKind::DeadLetter => &plugins.dead_letter,
        };
        matches!(&spec.source, Source::File(path) if file(path).as_ref() == Some(&own))
    };
    settings.pipelines.iter().find(uses)
}

/// Shows the records of the pipeline's first topic in the playground.
fn follow(
    settings: &Settings,
    pipeline: &PipelineSettings,
    recent: Arc<Recent>,
) -> anyhow::Result<()> {
    let connection = Connection::open(settings.kafka()?.clone())?;
    let reading = Reading {
        topic: pipeline.topics[0].clone(),
        begin: Begin::Alone {
            partitions: Vec::new(),
            at: OffsetSpec::BeforeEnd(5),
        },
        to_end: false,
        uncommitted: false,
    };
    let mut reader = Reader::start(&connection, &reading)?;
    let follower = std::thread::Builder::new().name("dev-records".into());
    follower.spawn(move || {
        // An outage of Kafka ends it: the playground keeps what it has.
        while let Ok(step) = reader.next(Duration::from_millis(200)) {
            if let Step::Record(record) = step {
                recent.push(&record);
            }
        }
    })?;
    Ok(())
}

/// Waits until the daemon's metrics name this plugin.
async fn is_live(metrics: &Address, digest: &str) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    let label = format!("digest=\"{digest}\"");
    loop {
        let text = fetch::read(metrics).await;
        let text = text.with_context(|| format!("no daemon answers at {metrics}"))?;
        let text = String::from_utf8_lossy(&text);
        let mut lines = text.lines();
        if lines.any(|line| line.starts_with("millstream_plugin_info{") && line.contains(&label)) {
            return Ok(());
        }
        if Instant::now() > until {
            bail!("the daemon has not taken it; its log says why");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
