//! The owners, which carry out the protocol's steps, or those of a [`Flaw`].

use super::flaw::{Flaw, RECORDS};
use super::redis::{Answer, Command, Did, Link, Request};
use super::{Owner, Step, World};
use crate::store::protocol::{AfterExecute, AfterLook, Exchange, Executed};
use crate::store::{Refusal, Unstored};

impl World {
    fn send(&mut self, owner: usize, requests: &[Request]) {
        let link = &mut self.links[owner];
        link.requests.extend(requests.iter().cloned());
        link.outstanding += requests.len();
    }

    pub(super) fn look(&mut self, owner: usize, exchange: Exchange, flaw: Flaw) {
        let events = exchange.unverified.is_some() && flaw != Flaw::NoLookForEvents;
        let look = Request::Look {
            other: false,
            events,
        };
        match flaw {
            Flaw::BareRun => self.send(owner, &[look]),
            _ => self.send(owner, &[look, Request::Multi]),
        }
        self.owners[owner] = Owner::Looking(exchange);
    }

    /// Sends the transaction on a connection that is inside MULTI.
    pub(super) fn execute(&mut self, owner: usize, exchange: Exchange, flaw: Flaw) {
        let all: Vec<usize> = (0..(exchange.next - exchange.expected) as usize).collect();
        let sent = match (exchange.rest(), flaw) {
            (Some(rest), flaw) if flaw != Flaw::TornAgain => rest.to_vec(),
            _ => all,
        };
        let record = |event: &usize| exchange.expected as usize + event;
        let stores = sent.iter().map(record).map(Command::Store);
        let moves = Command::Move(exchange.next);
        if flaw == Flaw::BareRun {
            self.send(owner, &[Request::Multi]);
        }
        let body = Request::Body(stores.chain([moves]).collect());
        self.send(owner, &[body, Request::Exec]);
        self.owners[owner] = Owner::Executing(exchange, sent);
    }

    /// All answers to the requests that the owner sent together, once they have
    /// arrived.
    fn answers(&mut self, owner: usize) -> Option<Vec<Answer>> {
        let link = &mut self.links[owner];
        let whole = link.outstanding > 0 && link.answers.len() == link.outstanding;
        whole.then(|| {
            link.outstanding = 0;
            std::mem::take(&mut link.answers)
        })
    }

    pub(super) fn owner_steps(&self, owner: usize, flaw: Flaw, next: &mut Vec<Step>) {
        let mut world = self.clone();
        match self.owners[owner].clone() {
            Owner::Down => {
                // The first ledger is written by a separate, equally guarded
                // transaction: one step here.
                let at = *world.redis.ledger.get_or_insert(0);
                world.touched(usize::MAX, false);
                world.owners[owner] = Owner::Idle(at);
                next.push(("start of owner", owner, world));
            }
            Owner::Idle(at) if at < RECORDS as i64 => self.begin_append(owner, at, flaw, next),
            // An idle partition's ledger is checked from time to time.
            Owner::Idle(at) if self.redis.ledger != Some(at) => {
                world.owners[owner] = Owner::Down;
                next.push(("ledger found elsewhere by owner", owner, world));
            }
            Owner::Idle(_) => {}
            Owner::Leaving(exchange) => {
                if let Some(answers) = world.answers(owner) {
                    if answers != [Answer::Ok] {
                        world.links[owner] = Link::default();
                    }
                    world.look(owner, exchange, flaw);
                    next.push(("look by owner, after DISCARD", owner, world));
                }
            }
            Owner::Looking(exchange) => {
                if let Some(answers) = world.answers(owner) {
                    world.look_answered(owner, exchange, &answers, flaw, next);
                }
            }
            Owner::Executing(exchange, sent) => {
                if let Some(answers) = world.answers(owner) {
                    world.executed(owner, exchange, &sent, answers, flaw);
                    next.push(("transaction answered to owner", owner, world));
                }
            }
            Owner::Returning(exchange) => {
                if let Some(answers) = world.answers(owner) {
                    world.take_back(owner, exchange, &answers, flaw);
                    next.push(("ledger to be taken back by owner", owner, world));
                }
            }
            Owner::TakingBack(mut exchange) => {
                if let Some(answers) = world.answers(owner) {
                    match &answers[1] {
                        Answer::Done(all) if all[0].1 == Did::Yes => exchange.taken_back(),
                        Answer::Done(_) => {}
                        _ => world.links[owner] = Link::default(),
                    }
                    world.look(owner, exchange, flaw);
                    next.push(("ledger taken back by owner", owner, world));
                }
            }
        }
    }

    /// Starts the next append, with or without the look-ahead.
    fn begin_append(&self, owner: usize, at: i64, flaw: Flaw, next: &mut Vec<Step>) {
        for size in 1..=2.min(RECORDS as i64 - at) {
            let exchange = Exchange::new(at, at + size).with_values(self.faults.values);
            let mut world = self.clone();
            let Some((other, ledger)) = world.links[owner].ahead.take() else {
                world.look(owner, exchange, flaw);
                next.push(("look by owner", owner, world));
                continue;
            };
            let mut leaving = world.clone();
            if !other {
                world.looked(owner, exchange.clone(), ledger, true, flaw, next);
            }
            if !self.faults.leaves {
                continue;
            }
            // Something was dropped or waited for in between.
            match flaw {
                Flaw::WatchInside | Flaw::Shifted => leaving.look(owner, exchange, flaw),
                _ => {
                    leaving.send(owner, &[Request::Discard]);
                    leaving.owners[owner] = Owner::Leaving(exchange);
                }
            }
            next.push(("look ahead left by owner", owner, leaving));
        }
    }

    fn look_answered(
        mut self,
        owner: usize,
        mut exchange: Exchange,
        answers: &[Answer],
        flaw: Flaw,
        next: &mut Vec<Step>,
    ) {
        match (&answers[0], answers.get(1)) {
            (Answer::Looked(ledger, stored), None | Some(Answer::Ok)) => {
                let record = |event: &usize| exchange.expected as usize + event;
                let mut found = exchange
                    .unverified()
                    .map_or(Vec::new(), |(_, rest)| rest.to_vec());
                match stored {
                    Some(stored) => found.retain(|event| stored[record(event)] > 0),
                    // Flaw only: assumes the events where the ledger is.
                    None => found.retain(|_| *ledger == Some(exchange.next)),
                }
                exchange.found(&found);
                self.looked(owner, exchange, *ledger, false, flaw, next);
            }
            (Answer::NotLooked, _) if matches!(flaw, Flaw::WatchInside | Flaw::Shifted) => {
                self.execute(owner, exchange, flaw);
                next.push(("transaction sent by owner without a look", owner, self));
            }
            _ => {
                self.links[owner] = Link::default();
                self.look(owner, exchange, flaw);
                next.push(("look refused to owner", owner, self));
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
        let what = match after {
            AfterLook::Execute => "transaction sent by owner",
            AfterLook::Look => "look again by owner",
            AfterLook::Stored => "found to be stored by owner",
            AfterLook::Moved => "found to be moved by owner",
        };
        if after != AfterLook::Execute {
            // The next look leaves this one first, in one step.
            (self.links[owner].multi, self.links[owner].watch) = Default::default();
        }
        match after {
            AfterLook::Execute => {
                self.execute(owner, exchange, flaw);
                let others: &[bool] = if self.faults.leaves {
                    &[false, true]
                } else {
                    &[false]
                };
                for other in others.iter().copied() {
                    let mut ahead = self.clone();
                    let events = false;
                    let look = Request::Look { other, events };
                    match flaw {
                        Flaw::BareRun => ahead.send(owner, &[look]),
                        _ => ahead.send(owner, &[look, Request::Multi]),
                    }
                    next.push(("transaction, and a look ahead, sent by owner", owner, ahead));
                }
            }
            AfterLook::Look => self.look(owner, exchange, flaw),
            AfterLook::Stored => self.stored(owner, exchange),
            AfterLook::Moved => {
                self.window |= exchange.unverified().is_some();
                self.owners[owner] = ledger.map_or(Owner::Down, Owner::Idle);
            }
        }
        next.push((what, owner, self));
    }

    fn stored(&mut self, owner: usize, mut exchange: Exchange) {
        let first = exchange.expected as usize;
        let refused = exchange.unstored().refused;
        self.dead_lettered |= refused
            .iter()
            .any(|of| first + of.event == self.faults.refused);
        self.owners[owner] = Owner::Idle(exchange.next);
    }

    fn executed(
        &mut self,
        owner: usize,
        mut exchange: Exchange,
        sent: &[usize],
        mut answers: Vec<Answer>,
        flaw: Flaw,
    ) {
        if flaw == Flaw::BareRun {
            answers.remove(0);
        }
        let known = known(sent, &answers[1], flaw);
        let refused = known == Executed::Refused;
        // A look-ahead is answered together with the transaction.
        let ahead = match (answers.get(2), answers.get(3)) {
            (Some(Answer::Looked(ledger, _)), Some(Answer::Ok)) => Some((false, *ledger)),
            (Some(Answer::LookedElsewhere), Some(Answer::Ok)) => Some((true, None)),
            (Some(Answer::Looked(ledger, _)), None) => Some((false, *ledger)),
            _ => None,
        };
        if ahead.is_none() && answers.len() > 2 || refused {
            self.links[owner] = Link::default();
        }
        let after = exchange.executed(|| sent.to_vec(), known);
        match after {
            AfterExecute::Stored if !refused => {
                self.links[owner].ahead = ahead;
                return self.stored(owner, exchange);
            }
            _ => {}
        }
        // The next look leaves that one first, in one step.
        (self.links[owner].multi, self.links[owner].watch) = Default::default();
        self.look(owner, exchange.clone(), flaw);
        if after == AfterExecute::TakeBack {
            self.owners[owner] = Owner::Returning(exchange);
        }
    }

    fn take_back(&mut self, owner: usize, exchange: Exchange, answers: &[Answer], flaw: Flaw) {
        match answers {
            [Answer::Looked(Some(at), _), Answer::Ok] if *at == exchange.next => {
                let back = Request::Body(vec![Command::Move(exchange.expected)]);
                self.send(owner, &[back, Request::Exec]);
                self.owners[owner] = Owner::TakingBack(exchange);
            }
            _ => {
                self.links[owner] = Link::default();
                self.look(owner, exchange, flaw);
            }
        }
    }
}

/// The result according to EXEC's answer.
fn known(sent: &[usize], answer: &Answer, flaw: Flaw) -> Executed {
    let Answer::Done(done) = answer else {
        return match answer {
            Answer::Conflict => Executed::Conflict,
            _ => Executed::Refused,
        };
    };
    // A queued read comes first.
    let skip = done.len() - sent.len() - 1;
    let skip = if flaw == Flaw::Shifted { 0 } else { skip };
    let did = |index: usize| done[skip + index].1;
    let of = |what: Did| (0..sent.len()).filter(move |index| did(*index) == what);
    let refused = of(Did::Refused).map(|index| Refusal {
        event: sent[index],
        message: String::new(),
    });
    let unstored = Unstored {
        refused: refused.collect(),
        dropped: Vec::new(),
    };
    let denied = done.iter().any(|(_, did)| *did == Did::Denied);
    if !denied || flaw == Flaw::TornIsDone {
        return Executed::Done(unstored);
    }
    Executed::Torn {
        missing: of(Did::Denied).map(|index| sent[index]).collect(),
        unstored,
        moved: did(sent.len()) == Did::Yes,
    }
}
