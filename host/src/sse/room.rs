//! Cuts connections when too many bytes wait.

use super::frame;
use super::hub::Hub;

impl Hub {
    /// Cuts the connections that hold the most, until about the allowed bytes
    /// are left, first those whose sockets took nothing lately. Their clients
    /// resume without loss. A single connection may hold one event of any size.
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
