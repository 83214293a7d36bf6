//! `millstream demo`: a Kafka, a store and a page in one process, to see what
//! this is before anything is installed.
//!
//! It is the daemon that `run` starts, with a configuration such as a user
//! would write (`demo.toml`); only the Kafka, the records and the page are
//! the demo's own. Nothing outlives it but compiled plugins in the cache.

mod pages;
mod settings;
mod source;
mod topics;

use crate::config::Role;
use crate::daemon::{Daemon, Extras, Signals, drain};
use crate::kafka::mock::MockKafka;
use anyhow::bail;
use pages::Pages;
use settings::Scene;
use source::Source;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use topics::{DEAD_LETTERS, TOPIC};

/// What is logged unless `RUST_LOG` says: the terminal is for the hints. That
/// nobody is asked who they are, and that some records fail, is as it should be here.
pub(crate) const LOGS: &str = "warn,librdkafka=error,millstream::daemon::edge=error,millstream::pipeline::commit::produces=error";

/// Runs until Ctrl-C.
pub(crate) fn demo(listen: SocketAddr, rate: u32) -> anyhow::Result<()> {
    check_free(listen)?;
    let kafka = Arc::new(MockKafka::start(&[(TOPIC, 3), (DEAD_LETTERS, 1)])?);
    let scene = Scene::new(kafka.bootstrap_servers(), listen)?;
    let source = Source::start(kafka.clone(), rate)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(scene, source, rate))?;
    // It ends with the process: clients that it would leave alone complain.
    std::mem::forget(kafka);
    Ok(())
}

async fn run(scene: Scene, source: Source, rate: u32) -> anyhow::Result<()> {
    let mut signals = Signals::new()?;
    let counts = source.counts.clone();
    let pages = move |swapper| Pages::serve(swapper, scene.transforms, scene.toml, counts);
    let extras = Extras {
        pages: Some(Box::new(pages)),
    };
    let daemon = tokio::select! {
        started = Daemon::start(scene.settings, Role::All, None, extras) => started?,
        () = signals.stop() => return Ok(()),
    };
    greet(&daemon, rate);
    // There is nothing to reload: a closed terminal ends it, too.
    signals.reload_before_stop().await;
    source.stop();
    drain(daemon, signals).await;
    Ok(())
}

/// Asked before anything is started: a port that is taken is what goes wrong
/// most.
fn check_free(listen: SocketAddr) -> anyhow::Result<()> {
    if let Err(error) = TcpListener::bind(listen) {
        bail!(
            "can't listen on {listen}: {error}; choose another address, such as \
             `--listen 127.0.0.1:8081`, or `--listen 127.0.0.1:0` for any free port"
        );
    }
    Ok(())
}

/// Says what is happening and what to try. A reader who left is no error.
fn greet(daemon: &Daemon, rate: u32) {
    let Some(page) = daemon.sse.map(reachable) else {
        return;
    };
    let admin = daemon.admin;
    let s = if rate == 1 { "" } else { "s" };
    let _ = write!(
        std::io::stdout().lock(),
        "\
Millstream demo on http://{page}

The demo writes {rate} record{s} per second for ada, grace, linus and margaret to a mock Kafka
in this process. A WebAssembly plugin turns each record into an event for its client. One
record in {MALFORMED} is malformed and becomes a dead letter in {DEAD_LETTERS}. All data is
gone when the demo stops.

  open the page            http://{page}
  read a client's stream   curl -N 'http://{page}/v1/events?client=ada'
  swap the transform       curl -X POST http://{page}/demo/swap
  see the configuration    curl http://{page}/demo/config
  see the metrics          curl http://{admin}/metrics

Press Ctrl-C to stop.
",
        MALFORMED = source::MALFORMED_EVERY,
    );
}

/// An address to open: nobody can open 0.0.0.0.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}
