//! Connections beyond the most: there is room for some, so that whoever opens one
//! is answered, if only that there are too many.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::oneshot;

/// The connections of that room.
pub(super) struct Crowd {
    room: usize,
    waiting: Vec<Waiting>,
}

/// One of them, as the listener sees it.
struct Waiting {
    /// Dropped to cut it off; closed when it has ended.
    cut: oneshot::Sender<()>,
    asked: Arc<AtomicBool>,
}

/// One of them, as it sees itself.
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

    /// Room for one more. Where there is none, the oldest that has asked for
    /// nothing yet is cut off for it: who asks is answered at once and leaves, so
    /// what has been here long is silent. `None` where all are being answered.
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

/// A slot, and whether another lost its own for it.
pub(super) struct Admitted {
    pub slot: OverflowSlot,
    pub for_another: bool,
}

impl OverflowSlot {
    /// Told when the connection has asked for something.
    pub fn asked(&self) -> Arc<AtomicBool> {
        self.asked.clone()
    }

    /// Runs what serves the connection, until it is cut off.
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
    async fn the_oldest_silent_one_makes_room() {
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
        assert!(!crowd.slot().expect("who has left makes room").for_another);
    }
}
