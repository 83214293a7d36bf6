//! Presence events: clients that connect and disconnect.

use crate::record::ClientId;
use metrics::{Counter, counter};
use tokio::sync::mpsc;

/// Presence events that wait to be sent. More are counted and dropped, so that
/// no stream waits for them.
const WAITING: usize = 10_000;

/// A client connected or disconnected.
#[derive(Clone, Debug)]
pub struct Presence {
    /// The client.
    pub client: ClientId,
    /// True for its first connection on this edge, false when its last one
    /// closed.
    pub connected: bool,
}

/// Accepts presence events.
#[derive(Clone)]
pub struct Sender(mpsc::Sender<Presence>);

/// Counts the presence events that were not delivered to Kafka.
pub fn lost() -> Counter {
    counter!("millstream_sse_presence_lost_total")
}

/// A channel for presence events.
pub fn channel() -> (Sender, mpsc::Receiver<Presence>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Sender(sender), receiver)
}

impl Sender {
    pub(super) fn connected(&self, client: &ClientId) {
        self.send(client, true);
    }

    pub(super) fn disconnected(&self, client: &ClientId) {
        self.send(client, false);
    }

    fn send(&self, client: &ClientId, connected: bool) {
        let client = client.clone();
        let sent = self.0.try_send(Presence { client, connected });
        if sent.is_err() {
            lost().increment(1);
        }
    }
}
