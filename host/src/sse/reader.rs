//! The one reader: fetches new entries for all connections in few round trips.

use super::feed::{Feed, Follower};
use super::hub::Hub;
use super::pages::Frames;
use super::place::{EntryPlace, Given, Position};
use crate::record::{Page, Want};
use metrics::counter;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// The most streams that one turn asks for.
const QUESTIONS: usize = 512;
/// Bytes after which a turn asks for no more; the rest waits for the next turn.
const BYTES: usize = 8 << 20;
/// Followers that are served before other tasks run.
const TURN: usize = 256;
/// The pause before the store is asked again after an error.
const PAUSE: Duration = Duration::from_millis(200);

/// What is asked of one stream, and for which followers.
struct Question {
    feed: Arc<Feed>,
    position: Position,
    /// The most entries.
    limit: usize,
    followers: Vec<Follower>,
}

impl Question {
    /// The turn did not get to this question.
    fn put_back(&self, hub: &Hub) {
        self.feed.answer();
        hub.read_again(&self.feed);
    }

    /// The question failed. Entries may be trimmed before the next try.
    fn fail(&self, hub: &Hub) {
        self.followers
            .iter()
            .for_each(|f| f.connection.mark_unverified());
        self.feed.answer();
        hub.read_again(&self.feed);
    }
}

/// Reads until the process ends. The next question is sent before the last
/// answers are handed over, so that the store and the sockets work in parallel.
pub(super) async fn run(hub: Arc<Hub>) -> Infallible {
    let sent = counter!("millstream_sse_events_total");
    let mut most = 8;
    let mut answered: Option<(Vec<Question>, Vec<Page>)> = None;
    loop {
        if answered.is_none() {
            hub.reads.rest();
            hub.news.notified().await;
        }
        hub.reads.beat();
        // Revocations and presence are known before anything is read, for all
        // connections in `asked`; for later ones not yet.
        let mut asked = asked(&hub, most);
        let known = who_may_read(&hub).await;
        let reading = (known.is_ok() && !asked.is_empty()).then(|| {
            let wants = asked.iter().map(want).collect();
            hub.ask(|streams| async move { streams.read(wants, BYTES).await })
        });
        if let Some((asked, pages)) = answered.take() {
            // Pages are released before the next ones arrive.
            for (question, page) in asked.into_iter().zip(pages) {
                give(&hub, &question, &page, &sent).await;
            }
        }
        let read = match (known, reading) {
            (Err(error), _) => Err(error),
            (Ok(()), None) => continue,
            (Ok(()), Some(reading)) => reading.await,
        };
        match read {
            Ok(pages) => {
                hub.trouble(None);
                let rest = asked.drain(pages.len().min(asked.len())..);
                rest.for_each(|question| question.put_back(&hub));
                most = match bytes(&pages) {
                    0..BYTES => (most * 2).min(QUESTIONS),
                    _ => (most / 2).max(1),
                };
                answered = Some((asked, pages));
            }
            Err(error) => {
                hub.trouble(Some(error));
                // The question may have been too large.
                most = (most / 2).max(1);
                tokio::time::sleep(PAUSE).await;
                asked.iter().for_each(|question| question.fail(&hub));
                hub.news.notify_one();
            }
        }
    }
}

/// Nothing is read for a client before its revocations are known and the store
/// knows that it is connected.
async fn who_may_read(hub: &Hub) -> Result<(), String> {
    hub.read_revocations().await?;
    hub.lease_new_clients().await
}

fn bytes(pages: &[Page]) -> usize {
    let entries = pages.iter().flat_map(|page| &page.entries);
    entries.map(|entry| entry.data.len()).sum()
}

/// One question for each place in each stream, about `most` in total.
fn asked(hub: &Hub, most: usize) -> Vec<Question> {
    let mut all = Vec::new();
    for feed in hub.take_dirty(most) {
        let mut places: HashMap<Position, (usize, Vec<Follower>)> = HashMap::new();
        for follower in feed.followers() {
            let wants = follower.connection.wants(follower.follow.into());
            if let Some((position, limit)) = wants {
                let (least, there) = places.entry(position).or_insert((limit, Vec::new()));
                *least = limit.min(*least);
                there.push(follower);
            }
        }
        // Followers may be at many different places; the rest waits for the
        // next turn.
        let room = most.saturating_sub(all.len()).max(1);
        if places.len() > room {
            hub.read_again(&feed);
        }
        for (position, (limit, followers)) in places.into_iter().take(room) {
            feed.ask();
            all.push(Question {
                feed: feed.clone(),
                position,
                limit,
                followers,
            });
        }
    }
    all
}

fn want(question: &Question) -> Want {
    let place = match question.position {
        Position::Unknown => None,
        Position::Oldest => Some(EntryPlace::default()),
        Position::Unverified(place) | Position::At(place) => Some(place),
    };
    let counted = place.and_then(|place| place.counted);
    let sure = matches!(question.position, Position::At(_)) && counted.is_some();
    Want {
        stream: question.feed.name.clone(),
        after: place.map(|place| place.id),
        limit: question.limit,
        check_gap: place.is_some() && !sure,
        counted,
    }
}

/// Hands a page to every follower at its place.
async fn give(hub: &Hub, question: &Question, page: &Page, sent: &metrics::Counter) {
    let frames = Frames::of(&page.entries);
    let mut more = false;
    for turn in question.followers.chunks(TURN) {
        for Follower { connection, follow } in turn {
            let follow = usize::from(*follow);
            let Given {
                events,
                more: again,
                opened,
            } = connection.give(follow, question.position, (page, &frames), question.limit);
            sent.increment(events as u64);
            if hub.limits.too_much() {
                hub.make_room();
            }
            more |= again;
            if opened {
                hub.ring_all_of(connection);
            }
        }
        if turn.len() == TURN {
            tokio::task::yield_now().await;
        }
    }
    question.feed.answer();
    if more {
        hub.read_again(&question.feed);
    }
}
