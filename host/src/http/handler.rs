//! The trait for request handlers.

use super::peer::Peer;
use super::reply::Reply;
use hyper::Request;
use hyper::body::Incoming;
use std::future::Future;

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request.
    fn handle(&self, request: Request<Incoming>, peer: Peer) -> impl Future<Output = Reply> + Send;
}
