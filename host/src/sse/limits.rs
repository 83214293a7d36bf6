//! What all connections share: settings, the timer, and limits on buffered
//! bytes.

use super::frame;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

/// Bytes that may wait for one socket; a single event may exceed it.
const ROOM: usize = 64 << 10;
/// The same while all sockets together hold too much.
const LITTLE_ROOM: usize = 2 << 10;
/// Bytes beyond `max-queued` before connections are cut: every socket may have
/// received one more small event.
const SPARE: usize = 4 << 20;
/// The shortest lease: reloading a page keeps its presence.
const LEASE: Duration = Duration::from_secs(30);

/// Settings of the listener for browsers.
#[derive(Clone, Debug)]
pub struct SseSettings {
    /// A quiet connection gets a comment this often.
    pub heartbeat: Duration,
    /// The mean wait of a client before it reconnects; it varies from half to
    /// one and a half times.
    pub retry: Duration,
    /// How long a socket may take nothing before its client is disconnected.
    pub write_timeout: Duration,
    /// Over how long clients reconnect at most when the daemon stops.
    pub drain: Duration,
    /// The most connections of one client; more are shed.
    pub per_client: usize,
    /// The most connections from one address, if limited.
    pub per_address: Option<usize>,
    /// The most bytes that may wait for all sockets together.
    pub queued: usize,
    /// The most entries of one read.
    pub page: usize,
    /// The most groups that one connection may follow.
    pub groups: usize,
    /// How long a token may live after its issue, clock skew included; `None`
    /// if not configured.
    pub token_life: Option<Duration>,
    /// Origins whose pages may read, with credentials.
    pub cors_origins: Vec<String>,
}

impl Default for SseSettings {
    fn default() -> SseSettings {
        SseSettings {
            heartbeat: Duration::from_secs(15),
            retry: Duration::from_secs(2),
            write_timeout: Duration::from_secs(20),
            drain: Duration::from_secs(3),
            per_client: 32,
            per_address: None,
            queued: 256 << 20,
            page: 128,
            groups: 16,
            token_life: None,
            cors_origins: Vec::new(),
        }
    }
}

impl SseSettings {
    /// The longest `retry:` that is sent.
    fn longest_retry(&self) -> Duration {
        (self.retry * 5).max(self.retry + self.drain)
    }

    /// The duration of a lease. It is renewed after a third, so at least two
    /// thirds are left when a client disconnects: longer than its reconnect
    /// wait.
    pub fn lease(&self) -> Duration {
        LEASE.max(self.longest_retry() * 2)
    }
}

/// A point in time, in [`TICK`]s since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tick(pub u32);

/// The wheel's step.
pub(super) const TICK: Duration = Duration::from_millis(250);

impl Tick {
    /// The time from then until `now`.
    pub fn until(self, now: Tick) -> Duration {
        TICK * now.0.saturating_sub(self.0)
    }
}

/// What all connections share.
pub(super) struct Limits {
    pub settings: SseSettings,
    clock: AtomicU32,
    /// How much was waiting after connections were last cut; it could not be
    /// released.
    left: AtomicUsize,
}

impl Limits {
    pub fn new(settings: SseSettings) -> Limits {
        Limits {
            settings,
            clock: AtomicU32::new(0),
            left: AtomicUsize::new(0),
        }
    }

    pub fn now(&self) -> Tick {
        Tick(self.clock.load(Ordering::Relaxed))
    }

    /// Advances the timer.
    pub fn tick(&self) -> Tick {
        Tick(self.clock.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Whether so much waits that connections must be cut.
    pub fn too_much(&self) -> bool {
        let waiting = frame::waiting();
        let left = self.left.fetch_min(waiting, Ordering::Relaxed).min(waiting);
        waiting > left.max(self.settings.queued) + SPARE
    }

    /// The target after connections are cut, low enough not to be exceeded
    /// again at once.
    pub fn enough(&self) -> usize {
        self.settings.queued + SPARE / 2
    }

    /// Connections were cut.
    pub fn room_was_made(&self) {
        self.left.store(frame::waiting(), Ordering::Relaxed);
    }

    /// Bytes that may wait for one socket now. While too much waits in total,
    /// only sockets that are read get more.
    pub fn room(&self) -> usize {
        match frame::waiting() < self.settings.queued {
            true => ROOM,
            false => LITTLE_ROOM,
        }
    }
}

/// The origin of an address for the limit: of an IPv6 address its /64, all of
/// which belongs to one subscriber.
pub(super) fn origin_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}
