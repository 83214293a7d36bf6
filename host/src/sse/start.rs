//! Starts a hub: its threads, and what runs on them.

use super::hub::Hub;
use super::limits::SseSettings;
use super::{Streams, clock, leases, presence, reader};
use crate::process;
use crate::record::News;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::runtime::{Builder, Handle};

impl Hub {
    /// Starts the reader, the doorbell's listener and the timer on separate
    /// threads, so that thousands of new connections do not delay the open
    /// ones. Connects and disconnects are sent to `presence`.
    ///
    /// # Errors
    /// If threads can't be started.
    pub fn start(
        streams: Arc<dyn Streams>,
        settings: SseSettings,
        presence: Option<presence::Sender>,
    ) -> io::Result<Arc<Hub>> {
        // Where much was read, one thread hands it over while the other reads on.
        let (store, sockets) = (thread("store")?, thread("sockets")?);
        let hub = Arc::new(Hub::new(streams, settings, presence, store.clone()));
        store.spawn(listen(hub.clone()));
        store.spawn(leases::keep_interest(hub.clone()));
        store.spawn(clock::run(hub.clone()));
        store.spawn(reader::run(hub.clone(), sockets));
        Ok(hub)
    }
}

/// A thread with its own runtime, which ends with the process.
fn thread(name: &str) -> io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let run = move || runtime.block_on(std::future::pending::<Infallible>());
    std::thread::Builder::new().name(name.into()).spawn(run)?;
    Ok(handle)
}

async fn listen(hub: Arc<Hub>) -> Infallible {
    let streams = hub.streams.clone();
    let hear = move |news| match news {
        News::Streams(streams) => hub.ring(&streams),
        News::Missed => hub.missed(),
        News::Disconnect(client) => hub.end_all_of(&client),
        News::Revoked(Some((client, before))) => hub.revoked(&client, before),
        News::Revoked(None) => {
            hub.stale.store(true, Ordering::Release);
            hub.news.notify_one();
        }
    };
    streams.listen(Box::new(hear)).await;
    process::fail("the listener for the store's notifications ended")
}
