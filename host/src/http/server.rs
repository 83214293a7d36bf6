//! Accepting and serving, until told to stop.

use super::io::DeadlineIo;
use super::reply::Reply;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How long a request's head may take to arrive: half a one holds a descriptor.
const HEAD: Duration = Duration::from_secs(10);
/// How long a write may get nowhere.
const WRITE: Duration = Duration::from_secs(20);
/// hyper's smallest: heads are small, and events are written, not read.
const BUFFER: usize = 8 << 10;
/// How long connections may take to end after a stop.
const DRAIN: Duration = Duration::from_secs(3);

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one.
    fn handle(&self, request: Request<Incoming>) -> impl Future<Output = Reply> + Send;
}

/// A bound port, not yet served.
pub struct Listener {
    listener: TcpListener,
    name: &'static str,
}

impl Listener {
    /// Binds an address.
    ///
    /// # Errors
    /// Names the address and what it was for.
    pub async fn bind(name: &'static str, address: SocketAddr) -> anyhow::Result<Listener> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|e| anyhow::anyhow!("can't listen on {address} for {name}: {e}"))?;
        let address = listener.local_addr()?;
        tracing::info!("{name} listening on http://{address}");
        Ok(Listener { listener, name })
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
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stopped(&mut stop) => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let (handler, stop, ended) = (handler.clone(), stop.clone(), ended.clone());
                    tokio::spawn(async move {
                        serve_one(stream, handler, stop).await;
                        drop(ended);
                    });
                }
                Err(error) => {
                    // Out of descriptors, mostly: some will be given back.
                    tracing::warn!(listener = self.name, %error, "can't accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop((self.listener, ended));
        let _ = tokio::time::timeout(DRAIN, alive.closed()).await;
    }
}

async fn serve_one<H: Handler>(
    stream: TcpStream,
    handler: Arc<H>,
    mut stop: watch::Receiver<bool>,
) {
    // Events are small and late ones are worth less.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let handler = handler.clone();
        async move { Ok::<_, Infallible>(handler.handle(request).await) }
    });
    let io = TokioIo::new(DeadlineIo::new(stream, WRITE));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(BUFFER)
        .serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

/// Returns when it is time to stop, or nobody is left to say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
