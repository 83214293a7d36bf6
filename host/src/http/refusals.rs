//! Counts refusals by reason and logs each with its address.

use super::{Handler, Incoming, Peer, Reply, Request};
use metrics::counter;

/// Why a request was refused, kept with the answer.
#[derive(Clone, Debug)]
pub struct Because {
    /// The reason, as a metric label.
    pub reason: &'static str,
    /// The reason as a text, without anything from the request.
    pub detail: String,
}

impl Because {
    /// Attaches the reason to an answer.
    pub fn on(reason: &'static str, detail: &str, mut reply: Reply) -> Reply {
        let detail = detail.to_owned();
        reply.extensions_mut().insert(Because { reason, detail });
        reply
    }
}

/// Counts and logs the refusals of a handler. The log limits the lines per
/// reason.
pub struct WithRefusalCounts<H> {
    /// The handler that refuses.
    pub handler: H,
    /// The listener's name, as a metric label.
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
