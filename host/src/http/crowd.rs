//! Connections over the limit. Some room is kept for them, so that each one is
//! answered, if only that there are too many.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::oneshot;

/// The connections over the limit.
pub(super) struct Crowd {
    room: usize,
    waiting: Vec<Waiting>,
}

/// One of them, as the listener sees it.
struct Waiting {
    /// Dropped to close the connection; closed when the connection has ended.
    cut: oneshot::Sender<()>,
    asked: Arc<AtomicBool>,
}

/// One of them, as its connection sees it.
pub(super) struct OverflowSlot {
    cut: oneshot::Receiver<()>,
    asked: Arc<AtomicBool>,
}

impl Crowd {
    pub fn new(room: usize) -> Crowd {
        Crowd {
            room,
            waiting: Vec::new(),
        }
    }

    /// A slot for one more connection. If there is none, the oldest connection
    /// that has not sent a request is closed for it: requests are answered at
    /// once, so an old connection is a silent one. `None` if all are being
    /// answered.
    pub fn slot(&mut self) -> Option<Admitted> {
        self.waiting.retain(|waiting| !waiting.cut.is_closed());
        let full = self.waiting.len() >= self.room;
        if full {
            let silent = |waiting: &Waiting| !waiting.asked.load(Ordering::Relaxed);
            let oldest = self.waiting.iter().position(silent)?;
            self.waiting.remove(oldest);
        }
        let (cut, is_cut) = oneshot::channel();
        let asked = Arc::new(AtomicBool::new(false));
        let slot = OverflowSlot {
            cut: is_cut,
            asked: asked.clone(),
        };
        self.waiting.push(Waiting { cut, asked });
        Some(Admitted {
            slot,
            for_another: full,
        })
    }
}

/// A slot, and whether another connection was closed for it.
pub(super) struct Admitted {
    pub slot: OverflowSlot,
    pub for_another: bool,
}

impl OverflowSlot {
    /// Set when the connection has sent a request.
    pub fn asked(&self) -> Arc<AtomicBool> {
        self.asked.clone()
    }

    /// Runs `serving` until it ends or the slot is taken away.
    pub async fn hold(self, serving: impl Future<Output = ()>) {
        tokio::select! {
            () = serving => {}
            _ = self.cut => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_silent_connection_makes_room() {
        let mut crowd = Crowd::new(2);
        let [first, second] = [(); 2].map(|()| crowd.slot().expect("room"));
        assert!(!first.for_another && !second.for_another);
        first.slot.asked().store(true, Ordering::Relaxed);
        let third = crowd.slot().expect("for the second");
        assert!(third.for_another);
        second.slot.hold(std::future::pending()).await;
        third.slot.asked().store(true, Ordering::Relaxed);
        assert!(crowd.slot().is_none());
        drop(first);
        assert!(
            !crowd
                .slot()
                .expect("an ended connection makes room")
                .for_another
        );
    }
}
