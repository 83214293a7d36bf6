//! One connection, driven by hyper until a streaming answer takes its socket.

use super::handler::Handler;
use super::io::{DeadlineIo, give_up_after};
use super::open_connection::OpenConnection;
use super::peer::Peer;
use super::protocol::speaks_http2;
use super::reply::{Reply, without_body};
use super::settings::{ListenerSettings, SEND_BUFFER};
use super::stop::stopped;
use super::streams::{Open, StreamTasks};
use super::takeover::Slot;
use super::tls::Tls;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Method, Request, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

/// The largest request head. It has room for a token in a cookie (8 KiB) and
/// for the group places in the id that a browser sends on reconnect: an
/// accepted client must not be refused then. hyper's buffer grows to this only
/// when a head does.
const HEAD: usize = 32 << 10;
/// The most streams of one HTTP/2 connection.
const STREAMS: u32 = 128;

/// A connection to serve.
pub(super) struct Connection<H> {
    pub handler: Arc<H>,
    pub tls: Option<Arc<Tls>>,
    pub settings: Arc<ListenerSettings>,
    pub stop: watch::Receiver<bool>,
    pub peer: Peer,
    /// Set when the connection sends a request, if it is over the limit.
    pub asked: Option<Arc<AtomicBool>>,
    /// Held while the connection is open.
    pub place: Arc<OpenConnection>,
    /// Held while the connection is open.
    pub held: watch::Receiver<()>,
}

/// The handler's answer. HEAD is answered as GET without the body (RFC 9110,
/// 9.3.2).
async fn answer<H: Handler>(handler: &H, request: Request<Incoming>, peer: Peer) -> Reply {
    let is_head = request.method() == Method::HEAD;
    let is_http1 = request.version() < Version::HTTP_2;
    let mut reply = handler.handle(request, peer).await;
    if is_head {
        without_body(&mut reply);
    }
    if peer.crowded && is_http1 {
        // Other connections wait for its place.
        let close = HeaderValue::from_static("close");
        reply.headers_mut().insert(header::CONNECTION, close);
    }
    reply
}

impl<H: Handler> Connection<H> {
    /// Serves the connection to its end, or hands its socket over.
    pub async fn serve(self, socket: TcpStream) {
        // Events are small and latency matters.
        let _ = socket.set_nodelay(true);
        let patience = self.settings.write;
        give_up_after(&socket, patience);
        let head = self.settings.head;
        let served = match self.tls.clone() {
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

    /// HTTP/1.1 within TLS, carried by hyper.
    async fn http1_within<T>(mut self, io: DeadlineIo<T>) -> hyper::Result<()>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (handler, peer) = (self.handler.clone(), self.asking());
        let service = service_fn(move |request| {
            let (handler, peer) = (handler.clone(), peer());
            async move { Ok::<_, Infallible>(answer(&*handler, request, peer).await) }
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

    /// A plain socket: a streaming answer takes it over.
    async fn http1(mut self, socket: TcpStream) -> hyper::Result<()> {
        let slot = Arc::new(Slot::default());
        let (handler, peer) = (self.handler.clone(), self.asking());
        let left = slot.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let (handler, slot, peer) = (handler.clone(), left.clone(), peer());
            async move {
                let version = request.version();
                let chunked = version == Version::HTTP_11;
                let reply = answer(&*handler, request, Peer { chunked, ..peer }).await;
                match slot.leave(version, reply) {
                    Some(reply) => Ok::<_, Infallible>(reply),
                    // hyper is dropped before it receives an answer.
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
                // Spawned, because this task is as large as hyper's connection.
                let held = (self.place, self.held);
                let streamed = endless.onto(socket, head);
                tokio::spawn(async move {
                    streamed.await;
                    drop(held);
                });
                Ok(())
            }
        }
    }

    /// The peer of each request; the limits are checked anew each time.
    fn asking(&self) -> impl Fn() -> Peer + use<H> {
        let (peer, place) = (self.peer, self.place.clone());
        let ListenerSettings {
            connections, room, ..
        } = *self.settings;
        let asked = self.asked.clone();
        move || {
            if let Some(asked) = &asked {
                asked.store(true, Ordering::Relaxed);
            }
            Peer {
                crowded: place.is_beyond(connections),
                full: place.is_beyond(connections.saturating_add(room / 2)),
                ..peer
            }
        }
    }

    fn builder1(&self) -> http1::Builder {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.settings.head)
            .max_buf_size(HEAD);
        builder
    }

    async fn http2<T>(mut self, io: DeadlineIo<T>) -> hyper::Result<()>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (handler, peer) = (self.handler.clone(), self.asking());
        let ListenerSettings { head, write, .. } = *self.settings;
        let open = Open::new();
        let begun = open.clone();
        let service = service_fn(move |request| {
            let (handler, begun, peer) = (handler.clone(), begun.begin(), peer());
            async move {
                let reply = answer(&*handler, request, peer).await;
                Ok::<_, Infallible>(begun.answers(reply, write))
            }
        });
        let mut builder = http2::Builder::new(StreamTasks);
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(HEAD as u32)
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
            // An incomplete request does not count.
            () = open.none_for(head) => connection.as_mut().graceful_shutdown(),
        }
        // The client may have opened a stream before it received GOAWAY.
        tokio::select! {
            ended = connection => ended,
            () = open.none_for(head) => Ok(()),
        }
    }
}
