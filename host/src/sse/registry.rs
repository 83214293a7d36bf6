//! The feeds of this edge, and the numbers of connections.

use super::cursor;
use super::feed::Feed;
use super::limits::SseSettings;
use super::place::{Follow, Position};
use super::request::Begin;
use crate::record::{ClientId, GroupName, StreamName};
use metrics::gauge;
use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

/// How many more turns than feeds may wait before stale turns are removed.
const SPARE_TURNS: usize = 1024;

/// The feeds and their followers.
#[derive(Default)]
pub(super) struct Registry {
    /// Streams with at least one follower.
    pub feeds: HashMap<StreamName, Arc<Feed>>,
    /// Connections from each address.
    pub origins: HashMap<IpAddr, usize>,
    pub open: usize,
    /// Feeds that may have news, each once, in the order of their news, so that
    /// busy feeds do not starve others. Some may have lost their followers.
    pub turns: VecDeque<Arc<Feed>>,
    /// Clients whose presence the store does not know yet.
    pub new: HashSet<ClientId>,
    pub closed: bool,
}

/// Why a connection is not opened now; its client reconnects later.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shed {
    /// Too many connections of this client.
    Client,
    /// Too many connections from this address.
    Address,
    /// Too many connections in this process.
    Process,
    /// The key of the token is still being fetched.
    Keys,
    /// The store does not answer.
    Store,
    /// The daemon is stopping.
    Stopping,
}

impl Shed {
    /// The reason's name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Shed::Client => "client",
            Shed::Address => "address",
            Shed::Process => "process",
            Shed::Keys => "keys",
            Shed::Store => "store",
            Shed::Stopping => "stopping",
        }
    }
}

impl Registry {
    fn feed(&mut self, name: &StreamName) -> Arc<Feed> {
        let new = || Arc::new(Feed::new(name.clone()));
        self.feeds.entry(name.clone()).or_insert_with(new).clone()
    }

    /// Marks a feed to be read.
    pub fn turn(&mut self, feed: &Arc<Feed>) {
        if feed.mark() {
            self.turns.push_back(feed.clone());
        }
    }

    /// Takes up to `most` feeds that may have news.
    pub fn take_turns(&mut self, most: usize) -> Vec<Arc<Feed>> {
        let mut taken = Vec::new();
        for _ in 0..self.turns.len() {
            let Some(feed) = self.turns.pop_front() else {
                break;
            };
            // The outstanding answer will move its followers.
            if feed.is_asked() {
                self.turns.push_back(feed);
                continue;
            }
            feed.unmark();
            taken.push(feed);
            if taken.len() == most {
                break;
            }
        }
        taken
    }

    /// Removes the turns of feeds without followers. While the store is away
    /// nobody takes them, and clients come and go.
    pub fn forget_turns(&mut self) {
        if self.turns.len() > 2 * self.feeds.len() + SPARE_TURNS {
            self.turns.retain(|feed| feed.count() > 0);
        }
    }

    /// Counts a connection.
    pub fn enter(&mut self, origin: IpAddr) {
        *self.origins.entry(origin).or_default() += 1;
        self.open += 1;
        gauge!("millstream_sse_connections").set(self.open as f64);
    }

    /// Removes a connection from the counts.
    pub fn leave(&mut self, origin: IpAddr) {
        if let Some(from) = self.origins.get_mut(&origin) {
            *from -= 1;
            if *from == 0 {
                self.origins.remove(&origin);
            }
        }
        self.open -= 1;
        gauge!("millstream_sse_connections").set(self.open as f64);
    }

    /// Whether one more connection may be opened.
    pub fn admit(
        &self,
        settings: &SseSettings,
        client: &ClientId,
        origin: IpAddr,
    ) -> Result<(), Shed> {
        let own = self.feeds.get(&StreamName::Client(client.clone()));
        let from = self.origins.get(&origin).copied().unwrap_or_default();
        let shed = if self.closed {
            Shed::Stopping
        } else if own.is_some_and(|own| own.count() >= settings.per_client) {
            Shed::Client
        } else if settings.per_address.is_some_and(|most| from >= most) {
            Shed::Address
        } else {
            return Ok(());
        };
        Err(shed)
    }
}

/// The streams of a new connection, and its start position in each.
pub(super) fn follows(
    registry: &mut Registry,
    own: StreamName,
    groups: Vec<GroupName>,
    begin: &Begin,
) -> Box<[Follow]> {
    let mut follow = |name: StreamName, encoded: String, begin| Follow {
        feed: registry.feed(&name),
        encoded: encoded.into(),
        begin,
    };
    let place = match begin {
        Begin::Now => Position::Unknown,
        Begin::Earliest => Position::Oldest,
        Begin::After(cursor) => Position::Unverified(cursor.own.into()),
    };
    let mut all = vec![follow(own, String::new(), place)];
    for group in groups {
        let begin = match begin {
            Begin::After(cursor) => {
                let known = cursor.groups.iter().find(|(name, _)| *name == group);
                known.map_or(Position::Unknown, |(_, id)| {
                    Position::Unverified((*id).into())
                })
            }
            _ => place,
        };
        let encoded = cursor::encoded(&group);
        all.push(follow(StreamName::Group(group), encoded, begin));
    }
    all.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_of_streams_without_followers_do_not_pile_up() {
        let mut registry = Registry::default();
        for client in 0..20_000 {
            let client = ClientId::new(format!("{client}").as_bytes()).expect("a good one");
            let name = StreamName::Client(client);
            let feed = registry.feed(&name);
            registry.turn(&feed);
            registry.feeds.remove(&name);
            registry.forget_turns();
            assert!(registry.turns.len() <= SPARE_TURNS);
        }
    }
}
