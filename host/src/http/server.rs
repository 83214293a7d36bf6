//! Accepting and serving, until told to stop.

use super::connection::Connection;
use super::crowd::{Crowd, Seat};
use super::reply::Reply;
use super::tls::Tls;
use hyper::Request;
use hyper::body::Incoming;
use metrics::counter;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::time::timeout;

/// How long connections may take to end after a stop.
const DRAIN: Duration = Duration::from_secs(3);
/// Connections that the kernel may have waiting for us.
const BACKLOG: u32 = 4096;
/// Bytes that the kernel keeps for a client that reads slowly: more would only
/// hide that it does.
pub(super) const SEND_BUFFER: u32 = 64 << 10;
/// Between two connections that are accepted beyond the most.
const CROWDED: Duration = Duration::from_millis(2);

/// How a listener treats its connections.
#[derive(Clone)]
pub struct ListenerSettings {
    /// The certificate, where TLS is spoken.
    pub tls: Option<Arc<Tls>>,
    /// How long a request's head may take to arrive, and a connection may have
    /// no request.
    pub head: Duration,
    /// How long a write may get nowhere.
    pub write: Duration,
    /// The most connections.
    pub connections: usize,
    /// How many more are answered, if only that there are too many.
    pub room: usize,
}

impl Default for ListenerSettings {
    fn default() -> ListenerSettings {
        ListenerSettings {
            tls: None,
            head: Duration::from_secs(10),
            write: Duration::from_secs(20),
            connections: usize::MAX,
            room: 0,
        }
    }
}

/// Where a request came from, and by which way its answer goes.
#[derive(Clone, Copy, Debug)]
pub struct From {
    /// The other end.
    pub address: SocketAddr,
    /// There are more connections than there may be.
    pub crowded: bool,
    /// There are so many more that half the room for them is taken: what takes
    /// time is not begun.
    pub full: bool,
    /// An endless answer is to come in chunks of HTTP/1.1: nobody else will
    /// make them.
    pub chunked: bool,
}

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one.
    fn handle(&self, request: Request<Incoming>, from: From) -> impl Future<Output = Reply> + Send;
}

/// A bound port, not yet served.
pub struct Listener {
    listener: TcpListener,
    name: &'static str,
    settings: ListenerSettings,
}

impl Listener {
    /// Binds an address.
    ///
    /// # Errors
    /// Names the address and what it was for.
    pub async fn bind(
        name: &'static str,
        address: SocketAddr,
        settings: ListenerSettings,
    ) -> anyhow::Result<Listener> {
        let listener = bound(address)
            .map_err(|e| anyhow::anyhow!("can't listen on {address} for {name}: {e}"))?;
        let address = listener.local_addr()?;
        let s = if settings.tls.is_some() { "s" } else { "" };
        tracing::info!("{name} listening on http{s}://{address}");
        Ok(Listener {
            listener,
            name,
            settings,
        })
    }

    /// The address, with the port that the system chose for port 0.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is true, then lets connections end for a moment.
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
                    let place = Place::take(&open);
                    let mut seat = None;
                    if place.number > self.settings.connections {
                        // Many may have gone that were not missed yet.
                        tokio::time::sleep(CROWDED).await;
                        let admitted = crowd.seat();
                        if admitted
                            .as_ref()
                            .is_none_or(|admitted| admitted.for_another)
                        {
                            self.refused("limit");
                        }
                        let Some(admitted) = admitted else { continue };
                        seat = Some(admitted.seat);
                    }
                    let connection = Connection {
                        handler: handler.clone(),
                        settings: self.settings.clone(),
                        stop: stop.clone(),
                        from: From {
                            address,
                            crowded: false,
                            full: false,
                            chunked: false,
                        },
                        asked: seat.as_ref().map(Seat::asked),
                        place: Arc::new(place),
                        held: ended.clone(),
                    };
                    match seat {
                        Some(seat) => tokio::spawn(seat.hold(connection.serve(socket))),
                        None => tokio::spawn(connection.serve(socket)),
                    };
                }
                Err(error) => {
                    // Out of descriptors, mostly: some will be given back.
                    self.refused("accept");
                    tracing::warn!(listener = self.name, %error, "can't accept a connection");
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
    // Inherited by every connection.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// One of the connections that are open; given back when dropped.
pub(super) struct Place {
    open: Arc<AtomicUsize>,
    pub number: usize,
}

impl Place {
    pub fn take(open: &Arc<AtomicUsize>) -> Place {
        let number = open.fetch_add(1, Ordering::Relaxed) + 1;
        let open = open.clone();
        Place { open, number }
    }
}

impl Place {
    /// Whether it is one too many, and still is.
    pub fn is_beyond(&self, most: usize) -> bool {
        self.number > most && self.open.load(Ordering::Relaxed) > most
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns when it is time to stop, or nobody is left to say so.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
