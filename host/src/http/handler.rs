//! What answers requests.

use super::peer::Peer;
use super::reply::Reply;
use hyper::Request;
use hyper::body::Incoming;
use std::future::Future;

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one.
    fn handle(&self, request: Request<Incoming>, peer: Peer) -> impl Future<Output = Reply> + Send;
}
