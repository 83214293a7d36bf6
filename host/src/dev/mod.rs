//! `millstream plugin dev`: builds a plugin each time its source is saved, tests it,
//! and makes it live in a daemon.
//!
//! Without a daemon of the author's it starts one in this process, with a mock Kafka
//! and a store in memory, as the demo does; the fixtures' records are its traffic.

mod cycle;
mod daemon;
mod options;
mod page;
mod records;
mod say;
mod scene;
mod sources;

pub(crate) use options::Options;

use crate::authoring::Project;
use crate::daemon::Signals;
use crate::http::{HostGuard, Listener, ListenerSettings};
use anyhow::Context;
use cycle::{Cycle, Status};
use daemon::Target;
use page::Page;
use records::Recent;
use say::say;
use std::sync::Arc;
use tokio::sync::watch;

/// Runs until Ctrl-C. Prints one line for each cycle.
///
/// # Errors
/// If the folder is no project, an address is in use, or a daemon can't be started.
pub(crate) fn dev(options: &Options) -> anyhow::Result<()> {
    let project = Arc::new(Project::open(&options.folder)?);
    let recent = Arc::new(Recent::new(&project));
    let target = Arc::new(Target::new(options, &project, &recent)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // Also for the signals of child processes: they end with this one.
        let mut signals = Signals::new()?;
        let (told, status) = watch::channel(Status::default());
        let cycle = Cycle::new(&project, target, &recent, told)?;
        let (bench, shown) = (cycle.bench(), cycle.shown());
        let (stop, stopped) = watch::channel(false);
        if let Some(address) = options.page {
            anyhow::ensure!(
                address.ip().is_loopback(),
                "--page {address}: the playground writes into the project, so only this machine may \
                 reach it: use 127.0.0.1"
            );
            let listener = Listener::bind("page", address, ListenerSettings::default()).await?;
            let address = listener.address()?;
            let page = Page::new(&project, bench, shown, status, recent);
            let handler = HostGuard {
                handler: page,
                any_name: false,
                otherwise: "open the page by its address",
            };
            tokio::spawn(listener.serve(Arc::new(handler), stopped));
            say(&format!("playground on http://{address}"));
        }
        let runtime = tokio::runtime::Handle::current();
        let cycles = std::thread::Builder::new().name("dev".into());
        let cycles = cycles.spawn(move || cycle.run(&runtime));
        cycles.context("can't start a thread")?;
        signals.stop().await;
        let _ = stop.send(true);
        anyhow::Ok(())
    })?;
    // The daemon of this process has nothing to keep.
    crate::process::end(0)
}
