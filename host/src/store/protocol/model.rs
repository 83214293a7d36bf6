//! Tests the protocol against all events in every order: two owners that both
//! believe the partition is theirs, crashes, connections that break (requests may
//! still be executed later, or never), look-aheads, a Redis that returns to an
//! older state or loses everything, an event that is refused inside its
//! transaction, and permissions that change at any moment, also between a
//! transaction's commands and its `EXEC`.
//!
//! The owners here carry out the real steps of [`Exchange`]. The server and the
//! network are a model of Redis (`redis.rs`). Each [`Flaw`] removes one thing
//! that the protocol depends on, and must be detected.

mod flaw;
mod owner;
mod redis;

use super::{AfterExecute, Exchange, Executed};
use flaw::{Flaw, RECORDS};
use redis::{Deny, Link, Redis, Request};
use std::collections::HashSet;
use std::rc::Rc;

const BACKUP: &str = "backup taken";

#[derive(Clone, PartialEq, Eq, Hash)]
struct World {
    redis: Redis,
    owners: [Owner; 2],
    /// The owners' connections, then the broken ones: requests on those may still
    /// arrive.
    links: Vec<Link>,
    /// An older state that Redis may return to.
    backup: Option<Redis>,
    faults: Faults,
    /// `dead_lettered`: a dead letter for the refused event was sent. `window`:
    /// its owner ended or lost its partition before that, the documented window.
    dead_lettered: bool,
    window: bool,
}

/// The faults that may still happen, and how many times.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Faults {
    crashes: u8,
    breaks: u8,
    restores: u8,
    /// With these there is one owner: losing the partition between a partial EXEC
    /// and the next try is a documented window.
    denials: u8,
    owners: usize,
    /// Look-aheads may be for another ledger, or unused.
    leaves: bool,
    /// Redis refuses the event of this record inside EXEC.
    refused: usize,
    /// Appends have values, which are written with the ledger.
    values: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Owner {
    Down,
    Idle(i64),
    /// Sent DISCARD.
    Leaving(Exchange),
    Looking(Exchange),
    /// Executing a transaction with these events.
    Executing(Exchange, Vec<usize>),
    /// Looking, to take the ledger back.
    Returning(Exchange),
    TakingBack(Exchange),
}

/// What happens, to which owner or on which connection, and the resulting world.
type Step = (&'static str, usize, World);

impl World {
    fn begin(faults: Faults) -> World {
        World {
            redis: Redis::refusing(faults.refused),
            owners: [Owner::Down, Owner::Down],
            links: vec![Link::default(), Link::default()],
            backup: None,
            faults,
            dead_lettered: false,
            window: false,
        }
    }

    /// What must hold at every moment, except between a partial EXEC and the next
    /// try.
    fn check(&self) -> Result<(), String> {
        let done = self.redis.ledger.unwrap_or(0);
        for (record, times) in self.redis.stored.iter().enumerate() {
            let due = u8::from((record as i64) < done && record != self.faults.refused);
            let wrong = match self.faults.owners {
                1 => *times > 1,
                _ => *times != due,
            };
            if wrong {
                return Err(format!(
                    "record {record} is stored {times} times and the ledger is at {:?}",
                    self.redis.ledger
                ));
            }
        }
        Ok(())
    }

    /// What must hold when nothing more can happen.
    fn check_end(&self) -> Result<(), String> {
        let Redis { ledger, stored, .. } = &self.redis;
        if *ledger != Some(RECORDS as i64) {
            return Err(format!("it ended with the ledger at {ledger:?}"));
        }
        let due = |(record, times): (usize, &u8)| *times == u8::from(record != self.faults.refused);
        if !stored.iter().enumerate().all(due) {
            return Err(format!("it ended with events stored {stored:?} times"));
        }
        if !self.dead_lettered && !self.window {
            return Err("the refused event got no dead letter".into());
        }
        Ok(())
    }

    /// All possible next worlds, and the step to each.
    fn steps(&self, flaw: Flaw) -> Vec<Step> {
        let mut next = Vec::new();
        for owner in 0..self.faults.owners {
            self.owner_steps(owner, flaw, &mut next);
            if self.faults.crashes > 0 && !matches!(self.owners[owner], Owner::Down) {
                let mut world = self.clone();
                world.faults.crashes -= 1;
                world.abandon(owner, true);
                world.owners[owner] = Owner::Down;
                next.push(("crash of owner", owner, world));
            }
            if self.faults.breaks > 0 && self.waits(owner) {
                let mut world = self.clone();
                world.faults.breaks -= 1;
                world.abandon(owner, false);
                world.answer_lost(owner, flaw);
                next.push(("connection lost by owner", owner, world));
            }
        }
        for link in 0..self.links.len() {
            self.redis_steps(link, flaw, &mut next);
        }
        self.world_steps(flaw, &mut next);
        next
    }

    /// Steps of Redis itself.
    fn world_steps(&self, flaw: Flaw, next: &mut Vec<Step>) {
        if !self.redis.late.is_empty() {
            let mut world = self.clone();
            let record = world.redis.late.remove(0);
            world.redis.stored[record] += 1;
            next.push(("late event stored", record, world));
        }
        match self.redis.denied {
            Some(_) => {
                let mut world = self.clone();
                world.redis.denied = None;
                next.push(("all permissions granted", 0, world));
            }
            None if self.faults.denials > 0 => {
                for (index, (said, deny)) in Deny::ALL.into_iter().enumerate() {
                    // A request in transit can't see what is done in part
                    // meanwhile: outside the protocol as long as it can arrive.
                    if deny == Deny::Move && self.links.len() > 2 {
                        continue;
                    }
                    let mut world = self.clone();
                    world.faults.denials -= 1;
                    world.redis.denied = Some(deny);
                    next.push((said, index, world));
                }
            }
            None => {}
        }
        match &self.backup {
            None if self.faults.restores > 0 => {
                let mut world = self.clone();
                world.backup = Some(self.redis.clone());
                next.push((BACKUP, 0, world));
            }
            Some(backup) if self.redis != *backup && self.faults.restores > 0 => {
                let mut world = self.clone();
                world.faults.restores -= 1;
                world.redis = backup.clone();
                world.links = vec![Link::default(), Link::default()];
                // Whether the lost state had dead-lettered the event is unknown.
                world.window = true;
                (0..2).for_each(|owner| world.answer_lost(owner, flaw));
                next.push(("Redis back to its backup", 0, world));
            }
            _ => {}
        }
    }

    fn waits(&self, owner: usize) -> bool {
        !matches!(self.owners[owner], Owner::Down | Owner::Idle(_))
    }

    /// Abandons the owner's connection. An owner that crashes can't dead-letter
    /// an event whose refusal it did not learn.
    fn abandon(&mut self, owner: usize, crash: bool) {
        let mut orphan = std::mem::take(&mut self.links[owner]);
        self.window |= crash && matches!(self.owners[owner], Owner::Executing(..));
        self.window |=
            crash && matches!(&self.owners[owner], Owner::Looking(of) if of.unverified.is_some());
        orphan.answers.clear();
        orphan.outstanding = 0;
        orphan.ahead = None;
        if !orphan.requests.is_empty() {
            self.links.push(orphan);
        }
    }

    fn answer_lost(&mut self, owner: usize, flaw: Flaw) {
        match self.owners[owner].clone() {
            Owner::Executing(mut exchange, sent) => {
                if flaw == Flaw::BlindRetry {
                    self.links[owner].multi = Some(Vec::new());
                    return self.execute(owner, exchange, flaw);
                }
                let after = exchange.executed(|| sent, Executed::Lost(0));
                assert!(after == AfterExecute::Later);
                self.look(owner, exchange, flaw);
            }
            Owner::Looking(exchange)
            | Owner::Leaving(exchange)
            | Owner::Returning(exchange)
            | Owner::TakingBack(exchange) => self.look(owner, exchange, flaw),
            Owner::Down | Owner::Idle(_) => {}
        }
    }

    /// Redis executes requests that were sent together at once, or its
    /// permissions change before EXEC; on an abandoned connection it may never
    /// execute them.
    fn redis_steps(&self, link: usize, flaw: Flaw, next: &mut Vec<Step>) {
        let requests = &self.links[link].requests;
        if requests.is_empty() {
            return;
        }
        let orphan = link >= 2;
        if orphan {
            let mut world = self.clone();
            world.links.remove(link);
            next.push(("requests lost on connection", link, world));
        }
        let exec = requests
            .iter()
            .position(|request| *request == Request::Exec);
        let changing = self.faults.denials > 0 || self.redis.denied.is_some();
        if let (Some(before @ 1..), true) = (exec, changing && !orphan) {
            let mut world = self.clone();
            (0..before).for_each(|_| world.redis_does(link, flaw));
            next.push(("Redis queues the requests on connection", link, world));
        }
        let mut world = self.clone();
        (0..requests.len()).for_each(|_| world.redis_does(link, flaw));
        if orphan {
            world.links.remove(link);
        }
        next.push(("Redis executes the requests on connection", link, world));
    }

    fn redis_does(&mut self, link: usize, flaw: Flaw) {
        let Some(request) = self.links[link].requests.pop_front() else {
            return;
        };
        let (answer, wrote) = self.redis.answer(&mut self.links[link], request, flaw);
        for (ledger, events) in wrote {
            if ledger {
                self.touched(link, false);
            }
            if events {
                self.touched(link, true);
            }
        }
        self.links[link].answers.push(answer);
    }

    /// The ledger or events were written: invalidates every other watch of them.
    fn touched(&mut self, by: usize, events: bool) {
        for (index, link) in self.links.iter_mut().enumerate() {
            if index != by && (!events || link.watches_events) {
                link.watch.spoil();
            }
        }
    }
}

/// Explores all worlds. Returns their number, or the story of a failure.
fn explore(flaw: Flaw, faults: Faults) -> Result<usize, String> {
    let first = Rc::new(World::begin(faults));
    let mut worlds = vec![(first.clone(), 0, "", 0)];
    let mut seen = HashSet::from([first]);
    let mut at = 0;
    while at < worlds.len() {
        let world = worlds[at].0.clone();
        let next = world.steps(flaw);
        // A backup can always be taken; the end is when nothing else can happen.
        let over = next.iter().all(|(what, ..)| *what == BACKUP);
        let checked = world.check().and_then(|()| match over {
            true => world.check_end(),
            false => Ok(()),
        });
        if let Err(wrong) = checked {
            let mut story = vec![wrong];
            let mut back = at;
            while back != 0 {
                story.push(format!("{} {}", worlds[back].2, worlds[back].3));
                back = worlds[back].1;
            }
            story.reverse();
            return Err(story.join("\n"));
        }
        for (what, whose, world) in next {
            let world = Rc::new(world);
            if seen.insert(world.clone()) {
                worlds.push((world, at, what, whose));
            }
        }
        at += 1;
    }
    Ok(worlds.len())
}

const fn faults(crashes: u8, breaks: u8, restores: u8) -> Faults {
    Faults {
        crashes,
        breaks,
        restores,
        denials: 0,
        owners: 2,
        leaves: false,
        refused: 1,
        values: false,
    }
}

/// This many permission changes and broken connections.
const fn denials(denials: u8, breaks: u8) -> Faults {
    Faults {
        denials,
        owners: 1,
        leaves: true,
        ..faults(0, breaks, 0)
    }
}

/// Makes the first event the refused one.
const fn first(faults: Faults) -> Faults {
    Faults {
        refused: 0,
        ..faults
    }
}

const fn with_values(faults: Faults) -> Faults {
    Faults {
        values: true,
        ..faults
    }
}

const fn leaving(faults: Faults) -> Faults {
    Faults {
        leaves: true,
        ..faults
    }
}

#[test]
fn nothing_is_lost_or_duplicated_in_any_order_of_events() {
    for faults in [faults(1, 1, 0), faults(0, 2, 0), faults(0, 0, 1)] {
        check(faults);
    }
    check(with_values(faults(1, 1, 0)));
    check(leaving(faults(0, 1, 0)));
}

#[test]
fn nothing_is_lost_or_duplicated_when_permissions_change() {
    for faults in [denials(2, 0), first(denials(2, 0)), denials(1, 1)] {
        check(faults);
    }
    check(with_values(denials(1, 1)));
}

fn check(faults: Faults) {
    match explore(Flaw::None, faults) {
        Ok(worlds) => println!("{faults:?}: {worlds} worlds, all correct"),
        Err(story) => panic!("{faults:?}\n{story}"),
    }
}

#[test]
fn each_flaw_is_detected() {
    let flaws = [
        ("no WATCH", Flaw::NoWatch, faults(1, 1, 0)),
        ("a blind retry", Flaw::BlindRetry, faults(1, 1, 0)),
        ("the look not checked", Flaw::NoCheck, faults(1, 1, 0)),
        (
            "the ledger before its events",
            Flaw::LedgerFirst,
            faults(1, 1, 0),
        ),
        (
            "a bare run after a refused MULTI",
            Flaw::BareRun,
            denials(1, 0),
        ),
        (
            "WATCH inside MULTI",
            Flaw::WatchInside,
            first(leaving(faults(0, 0, 0))),
        ),
        ("shifted replies", Flaw::Shifted, denials(0, 0)),
        (
            "denied commands counted as stored",
            Flaw::TornIsDone,
            denials(1, 0),
        ),
        (
            "a partial transaction sent again",
            Flaw::TornAgain,
            denials(1, 0),
        ),
        (
            "no look for the events",
            Flaw::NoLookForEvents,
            faults(0, 1, 0),
        ),
    ];
    for (name, flaw, faults) in flaws {
        let story = explore(flaw, faults).expect_err(name);
        println!("{name}:\n{story}\n");
    }
}
