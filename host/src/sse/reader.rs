//! The one reader: fetches new entries for all connections in few round trips.

use super::feed::{Feed, Follower};
use super::hub::Hub;
use super::pages::Frames;
use super::place::{EntryPlace, Given, Position};
use crate::record::{Page, Want};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// The most streams that one turn asks for.
const QUESTIONS: usize = 512;
/// Bytes after which a turn asks for no more; the rest waits for the next turn.
const BYTES: usize = 8 << 20;
/// Followers that are served before other tasks run.
const TURN: usize = 256;
/// So many frames are handed over by the thread that reads: less work than waking another.
const FEW: usize = 16;
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

/// What was asked, and the answers.
type Answered = Vec<(Question, Page)>;

/// Reads until the process ends, on the store's thread. The next question is sent before
/// the last answers are handed over, on the thread `sockets` if they are many, so that the
/// store and the sockets work in parallel.
pub(super) async fn run(hub: Arc<Hub>, sockets: Handle) -> Infallible {
    let mut most = 8;
    let mut answered: Option<Answered> = None;
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
        let giving = match answered.take() {
            Some(few) if frames(&few) <= FEW => {
                give_all(hub.clone(), few).await;
                None
            }
            many => many.map(|many| sockets.spawn(give_all(hub.clone(), many))),
        };
        let read = match (known, reading) {
            (Err(error), _) => Some(Err(error)),
            (Ok(()), None) => None,
            (Ok(()), Some(reading)) => Some(reading.await),
        };
        if let Some(giving) = giving {
            // A panic there has ended the process.
            let _ = giving.await;
        }
        match read {
            None => {}
            Some(Ok(pages)) => {
                hub.trouble(None);
                let rest = asked.drain(pages.len().min(asked.len())..);
                rest.for_each(|question| question.put_back(&hub));
                most = match bytes(&pages) {
                    0..BYTES => (most * 2).min(QUESTIONS),
                    _ => (most / 2).max(1),
                };
                answered = Some(asked.into_iter().zip(pages).collect());
            }
            Some(Err(error)) => {
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

/// How many frames all followers get.
fn frames(answered: &Answered) -> usize {
    let each = answered.iter();
    each.map(|(question, page)| question.followers.len() * page.entries.len())
        .sum()
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

/// Hands each page over, and releases it.
async fn give_all(hub: Arc<Hub>, answered: Answered) {
    for (question, page) in answered {
        give(&hub, &question, &page).await;
    }
}

/// Hands a page to every follower at its place.
async fn give(hub: &Hub, question: &Question, page: &Page) {
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
            hub.sent.increment(events as u64);
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
