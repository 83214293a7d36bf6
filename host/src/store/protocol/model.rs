//! The protocol against everything that can happen, tried in every order:
//! two owners that both believe the partition is theirs, crashes, connections
//! that break (what was sent may still be executed later, or never), looks that
//! rode ahead, a Redis that goes back to an older state or forgets all, and an
//! event that is refused inside of its transaction.
//!
//! The owners here carry out [`Exchange`]'s own steps. What the server, the
//! network and the machines do is a model of Redis; each [`Flaw`] takes one of
//! the things away that the protocol rests on, and must be found out.

use super::{AfterExecute, AfterLook, Exchange, Executed};
use std::collections::{HashSet, VecDeque};

/// With three, and a crash, a break and a restore in any order, there are four
/// million worlds: all good as well, but too long for every run of the tests.
const RECORDS: usize = 2;
/// The event of this record is of a kind that Redis refuses inside of EXEC.
const REFUSED: usize = 1;
const BACKUP: &str = "backup taken";

/// What is broken on purpose.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    /// The ledger is not watched.
    NoWatch,
    /// After a lost answer the transaction is sent again without a look.
    BlindRetry,
    /// The transaction is sent whatever the look said.
    NoCheck,
    /// The ledger moves first, the events after it.
    LedgerFirst,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct World {
    redis: Redis,
    owners: [Owner; 2],
    /// The owners' connections, then those that broke: what was sent on them
    /// may still arrive.
    links: Vec<Link>,
    /// An older state of Redis that it may go back to.
    backup: Option<Redis>,
    faults: Faults,
    /// A letter for [`REFUSED`] was sent, or its answer may have been lost: the
    /// window that the documentation names.
    buried: bool,
    window: bool,
}

/// What may still go wrong, and how often.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Faults {
    crashes: u8,
    breaks: u8,
    restores: u8,
}

#[derive(Clone, PartialEq, Eq, Hash, Default)]
struct Redis {
    ledger: Option<i64>,
    /// How often each record's events were stored.
    stored: [u8; RECORDS],
    /// Flaw only: events that come after their ledger.
    late: Vec<(i64, i64)>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Owner {
    Down,
    Idle(i64),
    Looking(Exchange),
    Executing(Exchange),
}

#[derive(Clone, PartialEq, Eq, Hash, Default)]
struct Link {
    requests: VecDeque<Request>,
    answers: VecDeque<Answer>,
    watch: Watch,
    /// A look that rode ahead, not used yet.
    ahead: Option<Option<i64>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Request {
    Look,
    Transaction(i64, i64),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Answer {
    Looked(Option<i64>),
    Done(i64, i64),
    Conflict,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
enum Watch {
    #[default]
    None,
    Clean,
    Dirty,
}

/// What happens, to which owner or on which connection, and what comes of it.
type Step = (&'static str, usize, World);

impl World {
    fn begin(faults: Faults) -> World {
        World {
            redis: Redis::default(),
            owners: [Owner::Down, Owner::Down],
            links: vec![Link::default(), Link::default()],
            backup: None,
            faults,
            buried: false,
            window: false,
        }
    }

    /// What must hold at every instant.
    fn check(&self) -> Result<(), String> {
        let done = self.redis.ledger.unwrap_or(0);
        for (record, times) in self.redis.stored.iter().enumerate() {
            let due = u8::from((record as i64) < done);
            if *times != due {
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
        if self.redis.ledger != Some(RECORDS as i64) {
            return Err(format!(
                "it ended with the ledger at {:?}",
                self.redis.ledger
            ));
        }
        if !self.buried && !self.window {
            return Err("the refused event got no letter".into());
        }
        Ok(())
    }

    /// Every world that may come next, and how.
    fn steps(&self, flaw: Flaw) -> Vec<Step> {
        let mut next = Vec::new();
        for owner in 0..2 {
            self.owner_steps(owner, flaw, &mut next);
            if self.faults.crashes > 0 && !matches!(self.owners[owner], Owner::Down) {
                let mut world = self.clone();
                world.faults.crashes -= 1;
                world.abandon(owner);
                world.owners[owner] = Owner::Down;
                next.push(("crash of owner", owner, world));
            }
            if self.faults.breaks > 0 && self.waits(owner) {
                let mut world = self.clone();
                world.faults.breaks -= 1;
                world.abandon(owner);
                world.answer_lost(owner, flaw);
                next.push(("connection lost by owner", owner, world));
            }
        }
        for link in 0..self.links.len() {
            self.redis_steps(link, flaw, &mut next);
        }
        if !self.redis.late.is_empty() {
            let mut world = self.clone();
            let (from, to) = world.redis.late.remove(0);
            (from..to).for_each(|record| world.redis.stored[record as usize] += 1);
            next.push(("late events stored", 0, world));
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
                // What the lost state had buried or had not is beyond it.
                world.window = true;
                (0..2).for_each(|owner| world.answer_lost(owner, flaw));
                next.push(("Redis back to its backup", 0, world));
            }
            _ => {}
        }
        next
    }

    fn waits(&self, owner: usize) -> bool {
        matches!(self.owners[owner], Owner::Looking(_) | Owner::Executing(_))
    }

    /// The owner's connection is nobody's any more.
    fn abandon(&mut self, owner: usize) {
        let mut orphan = std::mem::take(&mut self.links[owner]);
        let covers = |from: i64, to: i64| (from..to).contains(&(REFUSED as i64));
        self.window |= orphan
            .answers
            .iter()
            .any(|a| matches!(a, Answer::Done(f, t) if covers(*f, *t)));
        self.window |= orphan
            .requests
            .iter()
            .any(|r| matches!(r, Request::Transaction(f, t) if covers(*f, *t)));
        orphan.answers.clear();
        orphan.ahead = None;
        if !orphan.requests.is_empty() {
            self.links.push(orphan);
        }
    }

    fn answer_lost(&mut self, owner: usize, flaw: Flaw) {
        if let Owner::Executing(mut exchange) = self.owners[owner] {
            if flaw == Flaw::BlindRetry {
                let again = Request::Transaction(exchange.expected, exchange.next);
                self.links[owner].requests.push_back(again);
                return;
            }
            assert!(exchange.executed(Executed::Lost) == AfterExecute::Later);
            self.look(owner, exchange);
        } else if let Owner::Looking(exchange) = self.owners[owner] {
            self.look(owner, exchange);
        }
    }

    fn look(&mut self, owner: usize, exchange: Exchange) {
        self.links[owner].requests.push_back(Request::Look);
        self.owners[owner] = Owner::Looking(exchange);
    }

    fn owner_steps(&self, owner: usize, flaw: Flaw, next: &mut Vec<Step>) {
        match &self.owners[owner] {
            Owner::Down => {
                // The first ledger is written by a transaction of its own, as
                // guarded as any: one step here.
                let mut world = self.clone();
                let at = *world.redis.ledger.get_or_insert(0);
                world.touched(usize::MAX);
                world.owners[owner] = Owner::Idle(at);
                next.push(("start of owner", owner, world));
            }
            Owner::Idle(at) if *at < RECORDS as i64 => {
                for size in 1..=2.min(RECORDS as i64 - at) {
                    let exchange = Exchange::new(*at, at + size);
                    let mut world = self.clone();
                    match world.links[owner].ahead.take() {
                        Some(ledger) => world.looked(owner, exchange, ledger, true, flaw, next),
                        None => {
                            world.look(owner, exchange);
                            next.push(("look by owner", owner, world));
                        }
                    }
                }
            }
            // A quiet partition's ledger is looked at now and then.
            Owner::Idle(at) if self.redis.ledger != Some(*at) => {
                let mut world = self.clone();
                world.owners[owner] = Owner::Down;
                next.push(("ledger found elsewhere by owner", owner, world));
            }
            Owner::Idle(_) => {}
            Owner::Looking(exchange) => {
                let mut world = self.clone();
                if let Some(Answer::Looked(ledger)) = world.links[owner].answers.pop_front() {
                    world.looked(owner, *exchange, ledger, false, flaw, next);
                }
            }
            Owner::Executing(exchange) => {
                let mut world = self.clone();
                if let Some(answer) = world.links[owner].answers.pop_front() {
                    world.executed(owner, *exchange, answer);
                    next.push(("transaction answered to owner", owner, world));
                }
            }
        }
    }

    fn looked(
        mut self,
        owner: usize,
        exchange: Exchange,
        ledger: Option<i64>,
        ahead: bool,
        flaw: Flaw,
        next: &mut Vec<Step>,
    ) {
        let mut after = exchange.looked(ledger, ahead);
        if flaw == Flaw::NoCheck {
            after = AfterLook::Execute;
        }
        match after {
            AfterLook::Execute => {
                self.owners[owner] = Owner::Executing(exchange);
                let send = Request::Transaction(exchange.expected, exchange.next);
                self.links[owner].requests.push_back(send);
                let mut with_look = self.clone();
                with_look.links[owner].requests.push_back(Request::Look);
                next.push((
                    "transaction, and a look ahead, sent by owner",
                    owner,
                    with_look,
                ));
            }
            AfterLook::Look => self.look(owner, exchange),
            AfterLook::Stored => self.owners[owner] = Owner::Idle(exchange.next),
            AfterLook::Moved => {
                self.owners[owner] = ledger.map_or(Owner::Down, Owner::Idle);
            }
        }
        let what = match after {
            AfterLook::Execute => "transaction sent by owner",
            AfterLook::Look => "look again by owner",
            AfterLook::Stored => "found to be stored by owner",
            AfterLook::Moved => "found to be moved by owner",
        };
        next.push((what, owner, self));
    }

    fn executed(&mut self, owner: usize, mut exchange: Exchange, answer: Answer) {
        let link = &mut self.links[owner];
        let known = match answer {
            Answer::Done(from, to) => {
                self.buried |= (from..to).contains(&(REFUSED as i64));
                Executed::Done
            }
            _ => Executed::Conflict,
        };
        // A look that rode behind is answered with it.
        link.ahead = match link.answers.pop_front() {
            Some(Answer::Looked(ledger)) => Some(ledger),
            _ => None,
        };
        match exchange.executed(known) {
            AfterExecute::Stored => self.owners[owner] = Owner::Idle(exchange.next),
            AfterExecute::Look | AfterExecute::Later => {
                link.ahead = None;
                self.look(owner, exchange);
            }
        }
    }

    /// Redis takes what was sent together at once, or, on a connection that is
    /// nobody's, never.
    fn redis_steps(&self, link: usize, flaw: Flaw, next: &mut Vec<Step>) {
        if self.links[link].requests.is_empty() {
            return;
        }
        let orphan = link >= 2;
        if orphan {
            let mut world = self.clone();
            world.links.remove(link);
            next.push(("lost what was sent on connection", link, world));
        }
        let mut world = self.clone();
        while let Some(request) = world.links[link].requests.pop_front() {
            let answer = match request {
                Request::Look => {
                    world.links[link].watch = Watch::Clean;
                    Answer::Looked(world.redis.ledger)
                }
                Request::Transaction(from, to) => world.transaction(link, from, to, flaw),
            };
            world.links[link].answers.push_back(answer);
        }
        if orphan {
            world.links.remove(link);
        }
        next.push(("Redis does what was sent on connection", link, world));
    }

    fn transaction(&mut self, link: usize, from: i64, to: i64, flaw: Flaw) -> Answer {
        let watch = std::mem::take(&mut self.links[link].watch);
        if watch == Watch::Dirty && flaw != Flaw::NoWatch {
            return Answer::Conflict;
        }
        self.redis.ledger = Some(to);
        if flaw == Flaw::LedgerFirst {
            self.redis.late.push((from, to));
        } else {
            (from..to).for_each(|record| self.redis.stored[record as usize] += 1);
        }
        self.touched(link);
        Answer::Done(from, to)
    }

    /// The ledger was written: every other watch of it is spoilt.
    fn touched(&mut self, by: usize) {
        for (index, link) in self.links.iter_mut().enumerate() {
            if index != by && link.watch == Watch::Clean {
                link.watch = Watch::Dirty;
            }
        }
    }
}

/// Tries everything; how many worlds there are, or how it goes wrong.
fn explore(flaw: Flaw, faults: Faults) -> Result<usize, String> {
    let mut worlds = vec![(World::begin(faults), 0, "", 0)];
    let mut seen = HashSet::from([World::begin(faults)]);
    let mut at = 0;
    while at < worlds.len() {
        let world = worlds[at].0.clone();
        let next = world.steps(flaw);
        // A backup may always be taken; what matters is that all else is over.
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
    }
}

#[test]
fn nothing_is_lost_or_doubled_in_any_order_of_events() {
    for faults in [faults(1, 1, 0), faults(0, 2, 0), faults(0, 0, 1)] {
        match explore(Flaw::None, faults) {
            Ok(worlds) => println!("{faults:?}: {worlds} worlds, all good"),
            Err(story) => panic!("{faults:?}\n{story}"),
        }
    }
}

#[test]
fn each_flaw_is_found_out() {
    let flaws = [
        ("no WATCH", Flaw::NoWatch),
        ("a blind retry", Flaw::BlindRetry),
        ("the look not checked", Flaw::NoCheck),
        ("the ledger before its events", Flaw::LedgerFirst),
    ];
    for (name, flaw) in flaws {
        let story = explore(flaw, faults(1, 1, 0)).expect_err(name);
        println!("{name}:\n{story}\n");
    }
}
