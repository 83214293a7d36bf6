//! Who comes and who goes, for whoever wants to know.

use crate::record::ClientId;
use metrics::{Counter, counter};
use tokio::sync::mpsc;

/// Notices that wait to be sent; what comes while it is full is counted and
/// lost: nobody's stream waits for them.
const WAITING: usize = 10_000;

/// A client came, or went.
#[derive(Clone, Debug)]
pub struct Presence {
    /// Who.
    pub client: ClientId,
    /// Its first connection here was opened, or its last one closed.
    pub connected: bool,
}

/// Where notices go.
#[derive(Clone)]
pub struct Sender(mpsc::Sender<Presence>);

/// Counts the notices that did not get to Kafka.
pub fn lost() -> Counter {
    counter!("millstream_sse_presence_lost_total")
}

/// A way for notices.
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
