//! Room for what waits, where sockets take too little of it.

use super::frame;
use super::hub::Hub;

impl Hub {
    /// Cuts those who hold most of what waits, until the rest is about what may
    /// wait: first those whose sockets took nothing of late. They come back and
    /// lose nothing. One alone may hold a single event, however large.
    pub(super) fn make_room(&self) {
        let now = self.limits.now();
        let mut holders = self.everyone();
        holders.retain(|connection| connection.holds(now).1 > 0);
        holders.sort_by_cached_key(|connection| connection.holds(now));
        let enough = self.limits.enough();
        while holders.len() > 1 && frame::waiting() > enough {
            if let Some(most) = holders.pop() {
                most.cut();
            }
        }
        self.limits.room_was_made();
    }
}
