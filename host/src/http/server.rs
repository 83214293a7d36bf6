//! Accepts and serves connections until stopped.

use super::connection::Connection;
use super::crowd::{Crowd, OverflowSlot};
use super::handler::Handler;
use super::open_connection::OpenConnection;
use super::peer::Peer;
use super::settings::{ListenerSettings, SEND_BUFFER};
use super::stop::stopped;
use super::tls::Tls;
use metrics::counter;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::time::timeout;

/// How long connections may take to end after a stop.
const DRAIN: Duration = Duration::from_secs(3);
/// The most connections that the kernel queues.
const BACKLOG: u32 = 4096;
/// The pause between two accepted connections over the limit.
const CROWDED: Duration = Duration::from_millis(2);

/// A bound port that is not served yet.
pub struct Listener {
    listener: TcpListener,
    name: &'static str,
    tls: Option<Arc<Tls>>,
    settings: Arc<ListenerSettings>,
}

impl Listener {
    /// Loads the certificate, if there is one, and binds an address.
    ///
    /// # Errors
    /// Names the file, or the address and its purpose.
    pub async fn bind(
        name: &'static str,
        address: SocketAddr,
        settings: ListenerSettings,
    ) -> anyhow::Result<Listener> {
        let tls = settings.tls.as_ref().map(Tls::load).transpose()?;
        let listener = bound(address)
            .map_err(|e| anyhow::anyhow!("can't listen on {address} for {name}: {e}"))?;
        let address = listener.local_addr()?;
        let s = if tls.is_some() { "s" } else { "" };
        tracing::info!("{name} listening on http{s}://{address}");
        Ok(Listener {
            listener,
            name,
            tls,
            settings: Arc::new(settings),
        })
    }

    /// The address, with the port that the system chose for port 0.
    ///
    /// # Errors
    /// If the socket is gone.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is true, then gives connections a moment to end.
    pub async fn serve<H: Handler>(self, handler: Arc<H>, mut stop: watch::Receiver<bool>) {
        // Each connection holds a receiver; when all are gone, all have ended.
        let (alive, ended) = watch::channel(());
        let open = Arc::new(AtomicUsize::new(0));
        let mut crowd = Crowd::new(self.settings.room);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stopped(&mut stop) => break,
            };
            match accepted {
                Ok((socket, address)) => {
                    let place = OpenConnection::take(&open);
                    let mut slot = None;
                    if place.number > self.settings.connections {
                        // Meanwhile connections may have ended that are still
                        // counted.
                        tokio::time::sleep(CROWDED).await;
                        let admitted = crowd.slot();
                        if admitted
                            .as_ref()
                            .is_none_or(|admitted| admitted.for_another)
                        {
                            self.refused("limit");
                        }
                        let Some(admitted) = admitted else { continue };
                        slot = Some(admitted.slot);
                    }
                    let connection = Connection {
                        handler: handler.clone(),
                        tls: self.tls.clone(),
                        settings: self.settings.clone(),
                        stop: stop.clone(),
                        peer: Peer {
                            address,
                            crowded: false,
                            full: false,
                            chunked: false,
                        },
                        asked: slot.as_ref().map(OverflowSlot::asked),
                        place: Arc::new(place),
                        held: ended.clone(),
                    };
                    match slot {
                        Some(slot) => tokio::spawn(slot.hold(connection.serve(socket))),
                        None => tokio::spawn(connection.serve(socket)),
                    };
                }
                Err(error) => {
                    // Usually out of file descriptors; some will be released.
                    self.refused("accept");
                    tracing::warn!(listener = self.name, %error, "can't accept a connection; retrying");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop((self.listener, ended));
        let _ = timeout(DRAIN, alive.closed()).await;
    }

    fn refused(&self, why: &'static str) {
        let listener = self.name;
        counter!("millstream_connections_refused_total", "listener" => listener, "why" => why)
            .increment(1);
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    // Every connection inherits it.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
