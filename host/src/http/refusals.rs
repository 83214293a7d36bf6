//! Refusals: each is counted by its reason, and said with the address it came from.

use super::{Handler, Incoming, Peer, Reply, Request};
use metrics::counter;

/// Why a request was refused, kept with the answer.
#[derive(Clone, Debug)]
pub struct Because {
    /// In a word.
    pub reason: &'static str,
    /// In words, without anything that came with the request.
    pub detail: String,
}

impl Because {
    /// Keeps it with the answer.
    pub fn on(reason: &'static str, detail: &str, mut reply: Reply) -> Reply {
        let detail = detail.to_owned();
        reply.extensions_mut().insert(Because { reason, detail });
        reply
    }
}

/// A handler whose refusals are counted and logged. The log bounds how often lines
/// of one reason are written.
pub struct WithRefusalCounts<H> {
    /// Who answers.
    pub handler: H,
    /// Where.
    pub listener: &'static str,
}

impl<H: Handler> Handler for WithRefusalCounts<H> {
    async fn handle(&self, request: Request<Incoming>, peer: Peer) -> Reply {
        let reply = self.handler.handle(request, peer).await;
        if let Some(Because { reason, detail }) = reply.extensions().get() {
            let (listener, address) = (self.listener, peer.address.ip());
            counter!("millstream_auth_refused_total", "listener" => listener, "reason" => *reason)
                .increment(1);
            tracing::warn!(listener, class = *reason, %address, "refused a request: {detail}");
        }
        reply
    }
}
