//! Accepting and serving, until told to stop.

use super::io::DeadlineIo;
use super::protocol::speaks_http2;
use super::reply::Reply;
use super::streams::{Open, StreamTasks};
use super::takeover::Slot;
use super::tls::Tls;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// hyper's smallest: heads are small, and events are written, not read.
const BUFFER: usize = 8 << 10;
/// How long connections may take to end after a stop.
const DRAIN: Duration = Duration::from_secs(3);
/// Connections that the kernel may have waiting for us.
const BACKLOG: u32 = 4096;
/// Bytes that the kernel keeps for a client that reads slowly: more would only
/// hide that it does.
const SEND_BUFFER: u32 = 64 << 10;
/// Connections beyond the most that are told so, instead of just closed.
const TOLD: usize = 256;
/// Between two connections that are accepted beyond the most.
const CROWDED: Duration = Duration::from_millis(2);
/// Streams of one HTTP/2 connection.
const STREAMS: u32 = 128;

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
}

impl Default for ListenerSettings {
    fn default() -> ListenerSettings {
        ListenerSettings {
            tls: None,
            head: Duration::from_secs(10),
            write: Duration::from_secs(20),
            connections: usize::MAX,
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
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stopped(&mut stop) => break,
            };
            match accepted {
                Ok((socket, address)) => {
                    let place = Place::take(&open);
                    if place.number > self.settings.connections {
                        // Many may have gone that were not missed yet.
                        tokio::time::sleep(CROWDED).await;
                    }
                    if place.number > self.settings.connections.saturating_add(TOLD) {
                        continue;
                    }
                    let connection = Connection {
                        handler: handler.clone(),
                        settings: self.settings.clone(),
                        stop: stop.clone(),
                        from: From {
                            address,
                            crowded: place.number > self.settings.connections,
                            chunked: false,
                        },
                        held: (place, ended.clone()),
                    };
                    tokio::spawn(connection.serve(socket));
                }
                Err(error) => {
                    // Out of descriptors, mostly: some will be given back.
                    tracing::warn!(listener = self.name, %error, "can't accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop((self.listener, ended));
        let _ = timeout(DRAIN, alive.closed()).await;
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
struct Place {
    open: Arc<AtomicUsize>,
    number: usize,
}

impl Place {
    fn take(open: &Arc<AtomicUsize>) -> Place {
        let number = open.fetch_add(1, Ordering::Relaxed) + 1;
        let open = open.clone();
        Place { open, number }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection to be served.
struct Connection<H> {
    handler: Arc<H>,
    settings: ListenerSettings,
    stop: watch::Receiver<bool>,
    from: From,
    /// Kept for as long as it is open.
    held: (Place, watch::Receiver<()>),
}

impl<H: Handler> Connection<H> {
    async fn serve(self, socket: TcpStream) {
        // Events are small and late ones are worth less.
        let _ = socket.set_nodelay(true);
        let patience = self.settings.write;
        super::io::give_up_after(&socket, patience);
        let head = self.settings.head;
        let served = match self.settings.tls.clone() {
            Some(tls) => match timeout(head, tls.accept(socket)).await {
                Ok(Ok(io)) => {
                    let chosen = io.get_ref().1.alpn_protocol();
                    let is_http2 = chosen == Some(b"h2");
                    let io = DeadlineIo::new(io, patience);
                    match is_http2 {
                        true => self.http2(io).await,
                        false => self.http1_within(io).await,
                    }
                }
                Ok(Err(_)) | Err(_) => return,
            },
            None => match timeout(head, speaks_http2(&socket)).await {
                Ok(Ok(true)) => self.http2(DeadlineIo::new(socket, patience)).await,
                Ok(Ok(false)) => self.http1(socket).await,
                Ok(Err(_)) | Err(_) => return,
            },
        };
        if let Err(error) = served {
            tracing::debug!(%error, "a connection ended");
        }
    }

    /// HTTP/1.1 within TLS, all of it by hyper.
    async fn http1_within<T>(mut self, io: DeadlineIo<T>) -> hyper::Result<()>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (handler, from) = (self.handler.clone(), self.from);
        let service = service_fn(move |request| {
            let handler = handler.clone();
            async move { Ok::<_, Infallible>(handler.handle(request, from).await) }
        });
        let connection = self.builder1().serve_connection(TokioIo::new(io), service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = stopped(&mut self.stop) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    }

    /// A plain socket: an endless answer gets it for itself.
    async fn http1(mut self, socket: TcpStream) -> hyper::Result<()> {
        let slot = Arc::new(Slot::default());
        let (handler, from) = (self.handler.clone(), self.from);
        let left = slot.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let (handler, slot) = (handler.clone(), left.clone());
            async move {
                let version = request.version();
                let chunked = version == Version::HTTP_11;
                let reply = handler.handle(request, From { chunked, ..from }).await;
                match slot.leave(version, reply) {
                    Some(reply) => Ok::<_, Infallible>(reply),
                    // hyper is dropped before it hears of an answer.
                    None => pending().await,
                }
            }
        });
        let io = DeadlineIo::new(socket, self.settings.write).telling(slot.clone());
        let mut connection = self.builder1().serve_connection(TokioIo::new(io), service);
        let mut stopping = false;
        let ended = loop {
            let driven = poll_fn(|cx| {
                let polled = Pin::new(&mut connection).poll(cx);
                match (polled, slot.take()) {
                    (Poll::Ready(ended), _) => Poll::Ready(Err(ended)),
                    (Poll::Pending, Some(taken)) => Poll::Ready(Ok(taken)),
                    (Poll::Pending, None) => Poll::Pending,
                }
            });
            tokio::select! {
                ended = driven => break ended,
                () = stopped(&mut self.stop), if !stopping => {
                    stopping = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        match ended {
            Err(ended) => ended,
            Ok((head, endless)) => {
                let socket = connection.into_parts().io.into_inner().into_inner();
                // A task of its own: this one is as large as hyper's.
                let (held, streamed) = (self.held, endless.onto(socket, head));
                tokio::spawn(async move {
                    streamed.await;
                    drop(held);
                });
                Ok(())
            }
        }
    }

    fn builder1(&self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.settings.head)
            .max_buf_size(BUFFER);
        builder
    }

    async fn http2<T>(mut self, io: DeadlineIo<T>) -> hyper::Result<()>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (handler, from) = (self.handler.clone(), self.from);
        let ListenerSettings { head, write, .. } = self.settings;
        let open = Open::new();
        let begun = open.clone();
        let service = service_fn(move |request| {
            let (handler, begun) = (handler.clone(), begun.begin());
            async move {
                let reply = handler.handle(request, from).await;
                Ok::<_, Infallible>(begun.answers(reply, write))
            }
        });
        let mut builder = http2::Builder::new(StreamTasks);
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(2 * BUFFER as u32)
            .max_send_buf_size(SEND_BUFFER as usize)
            .keep_alive_interval(write)
            .keep_alive_timeout(write);
        let connection = builder.serve_connection(TokioIo::new(io), service);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = stopped(&mut self.stop) => {
                connection.as_mut().graceful_shutdown();
                return connection.await;
            }
            // Half a request is none.
            () = open.none_for(head) => connection.as_mut().graceful_shutdown(),
        }
        // The client may have begun one before it heard of that.
        tokio::select! {
            ended = connection => ended,
            () = open.none_for(head) => Ok(()),
        }
    }
}

/// Returns when it is time to stop, or nobody is left to say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
