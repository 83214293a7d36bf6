//! What all connections share: settings, the clock, and what they may hold.

use super::frame;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

/// Bytes that may wait for one socket; a single event may go past it.
const ROOM: usize = 64 << 10;
/// The same where all of them together hold too much.
const LITTLE_ROOM: usize = 2 << 10;
/// Bytes that may wait beyond what is configured, before room is made: little
/// ones of each socket, which got an event while the others held too much.
const SPARE: usize = 4 << 20;
/// The shortest lease: a page that is loaded again keeps its interest.
const LEASE: Duration = Duration::from_secs(30);

/// How a listener for browsers behaves.
#[derive(Clone, Debug)]
pub struct SseSettings {
    /// A quiet connection gets a comment this often.
    pub heartbeat: Duration,
    /// How long a client waits before it comes back, on average: from half to
    /// one and a half times as long.
    pub retry: Duration,
    /// How long nothing may get out that waits, before the client is cut.
    pub write_timeout: Duration,
    /// Over how long clients come back, at most, when the daemon stops.
    pub drain: Duration,
    /// Connections of one client; more are shed.
    pub per_client: usize,
    /// Connections from one address, where that is limited.
    pub per_address: Option<usize>,
    /// Bytes that may wait for all sockets together.
    pub queued: usize,
    /// Entries of one read, at most.
    pub page: usize,
    /// Groups that one connection may follow.
    pub groups: usize,
    /// How long a token may live beyond its issue, clocks apart included; `None`
    /// where nobody knows.
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
    /// The longest `retry:` that anyone is told.
    fn longest_retry(&self) -> Duration {
        (self.retry * 5).max(self.retry + self.drain)
    }

    /// How long an interest lasts. It is renewed in a third of that, so two
    /// thirds are left at least when a client goes: longer than it may wait.
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
    /// How long ago it was.
    pub fn until(self, now: Tick) -> Duration {
        TICK * now.0.saturating_sub(self.0)
    }
}

/// What all connections share.
pub(super) struct Limits {
    pub settings: SseSettings,
    clock: AtomicU32,
    /// How much waited when room was made last: what could not be cut then.
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

    /// The wheel turned.
    pub fn tick(&self) -> Tick {
        Tick(self.clock.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Whether so much more waits than may that room must be made.
    pub fn too_much(&self) -> bool {
        let waiting = frame::waiting();
        let left = self.left.fetch_min(waiting, Ordering::Relaxed).min(waiting);
        waiting > left.max(self.settings.queued) + SPARE
    }

    /// Bytes that may wait once room was made: not so many that it is made
    /// again at once.
    pub fn enough(&self) -> usize {
        self.settings.queued + SPARE / 2
    }

    /// Room was made.
    pub fn room_was_made(&self) {
        self.left.store(frame::waiting(), Ordering::Relaxed);
    }

    /// Bytes that may wait for one socket now. Where too many wait already,
    /// only who reads gets more.
    pub fn room(&self) -> usize {
        match frame::waiting() < self.settings.queued {
            true => ROOM,
            false => LITTLE_ROOM,
        }
    }
}

/// Where a connection comes from: for a limit, an IPv6 address is its /64,
/// which one subscriber has all of.
pub(super) fn origin_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(network.into())
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}
