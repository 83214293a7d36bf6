//! `millstream demo`: a Kafka, a store and a page in one process, to try Millstream
//! before anything is installed.
//!
//! It starts the same daemon as `run`, with a configuration such as a user would
//! write (`demo.toml`). Only the Kafka, the records and the page belong to the demo.
//! It leaves only compiled plugins in the cache.

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

/// The log level unless `RUST_LOG` is set: the terminal is for the hints. The warnings about
/// missing authentication and failed records are expected here and left out.
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
    // The mock ends with the process: if it ended earlier, its clients would log errors.
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
    // There is nothing to reload, so SIGHUP of a closed terminal also stops it.
    signals.reload_before_stop().await;
    source.stop();
    drain(daemon, signals).await;
    Ok(())
}

/// Checks the port before anything is started: a port in use is the most common
/// failure.
fn check_free(listen: SocketAddr) -> anyhow::Result<()> {
    if let Err(error) = TcpListener::bind(listen) {
        bail!(
            "can't listen on {listen}: {error}; choose another address, such as \
             `--listen 127.0.0.1:8081`, or `--listen 127.0.0.1:0` for any free port"
        );
    }
    Ok(())
}

/// Prints what the demo does and what to try. A closed standard output is not an error.
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

/// An address that a browser can open, instead of 0.0.0.0.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}
