//! A model of Redis: one ledger, the events' streams, and connections with their
//! watches and queues.

use super::flaw::{Flaw, RECORDS};
use std::collections::VecDeque;

/// A permission that may be missing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Deny {
    Watch,
    Multi,
    Exec,
    Discard,
    Store,
    Move,
}

impl Deny {
    pub const ALL: [(&'static str, Deny); 6] = [
        ("WATCH is not permitted", Deny::Watch),
        ("MULTI is not permitted", Deny::Multi),
        ("EXEC is not permitted", Deny::Exec),
        ("DISCARD is not permitted", Deny::Discard),
        ("XADD is not permitted", Deny::Store),
        ("HSET is not permitted", Deny::Move),
    ];
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Redis {
    /// The record whose event it refuses inside EXEC.
    pub refused: usize,
    pub ledger: Option<i64>,
    /// How many times each record's event was stored.
    pub stored: [u8; RECORDS],
    /// Flaw only: events that are stored after their ledger.
    pub late: Vec<usize>,
    pub denied: Option<Deny>,
}

#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Link {
    pub requests: VecDeque<Request>,
    pub answers: Vec<Answer>,
    /// The number of answers that the owner waits for.
    pub outstanding: usize,
    pub watch: Watch,
    pub watches_events: bool,
    /// The commands that are queued inside MULTI.
    pub multi: Option<Vec<Command>>,
    /// The queue must not be executed, since a command was refused.
    pub aborted: bool,
    /// An unused look-ahead: whether it is of another ledger, and what it found.
    pub ahead: Option<(bool, Option<i64>)>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Request {
    /// WATCH and HMGET of this ledger or another one, and optionally a read of
    /// the streams, which are then watched, too.
    Look {
        other: bool,
        events: bool,
    },
    Multi,
    Body(Vec<Command>),
    Exec,
    Discard,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Command {
    Read,
    Store(usize),
    Move(i64),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Answer {
    Ok,
    Error,
    Looked(Option<i64>, Option<[u8; RECORDS]>),
    LookedElsewhere,
    NotLooked,
    Conflict,
    Done(Vec<(bool, Did)>),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Did {
    Yes,
    Refused,
    Denied,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Watch {
    #[default]
    None,
    Clean,
    Dirty,
}

impl Watch {
    pub fn spoil(&mut self) {
        if *self == Watch::Clean {
            *self = Watch::Dirty;
        }
    }
}

/// What was written: the ledger, or events.
type Wrote = Vec<(bool, bool)>;

impl Redis {
    pub fn refusing(refused: usize) -> Redis {
        Redis {
            refused,
            ledger: None,
            stored: [0; RECORDS],
            late: Vec::new(),
            denied: None,
        }
    }

    pub fn answer(&mut self, link: &mut Link, request: Request, flaw: Flaw) -> (Answer, Wrote) {
        let denies = |deny| self.denied == Some(deny);
        let nothing = |answer| (answer, Vec::new());
        match request {
            Request::Look { .. } if link.multi.is_some() => {
                // WATCH fails and aborts nothing; the read is queued.
                link.multi
                    .iter_mut()
                    .for_each(|queued| queued.push(Command::Read));
                nothing(Answer::NotLooked)
            }
            Request::Look { .. } if denies(Deny::Watch) => nothing(Answer::NotLooked),
            Request::Look { other: true, .. } => nothing(Answer::LookedElsewhere),
            Request::Look { events, .. } => {
                link.watch = Watch::Clean;
                link.watches_events = events;
                nothing(Answer::Looked(self.ledger, events.then_some(self.stored)))
            }
            Request::Multi if denies(Deny::Multi) || link.multi.is_some() => nothing(Answer::Error),
            Request::Multi => {
                (link.multi, link.aborted) = (Some(Vec::new()), false);
                nothing(Answer::Ok)
            }
            Request::Discard if denies(Deny::Discard) || link.multi.is_none() => {
                nothing(Answer::Error)
            }
            Request::Discard => {
                (link.multi, link.watch) = Default::default();
                nothing(Answer::Ok)
            }
            Request::Body(commands) => {
                let refused = commands.iter().any(|of| self.denied == of.denial());
                match &mut link.multi {
                    Some(queued) => {
                        queued.extend(commands);
                        link.aborted |= refused;
                        nothing(Answer::Ok)
                    }
                    // Outside a transaction.
                    None => (Answer::Ok, self.run(&commands, flaw).1),
                }
            }
            Request::Exec => self.exec(link, flaw),
        }
    }

    fn exec(&mut self, link: &mut Link, flaw: Flaw) -> (Answer, Wrote) {
        let watch = std::mem::take(&mut link.watch);
        let Some(commands) = link.multi.take() else {
            return (Answer::Error, Vec::new());
        };
        if self.denied == Some(Deny::Exec) || link.aborted {
            return (Answer::Error, Vec::new());
        }
        if watch == Watch::Dirty && flaw != Flaw::NoWatch {
            return (Answer::Conflict, Vec::new());
        }
        let (done, wrote) = self.run(&commands, flaw);
        (Answer::Done(done), wrote)
    }

    fn run(&mut self, commands: &[Command], flaw: Flaw) -> (Vec<(bool, Did)>, Wrote) {
        let mut wrote = Vec::new();
        let run = |command: &Command| {
            let event = matches!(command, Command::Store(_));
            let denial = command.denial();
            if denial.is_some() && self.denied == denial {
                return (event, Did::Denied);
            }
            match *command {
                Command::Read => {}
                Command::Store(record) if record == self.refused => {
                    return (event, Did::Refused);
                }
                Command::Store(record) if flaw == Flaw::LedgerFirst => self.late.push(record),
                Command::Store(record) => {
                    self.stored[record] += 1;
                    wrote.push((false, true));
                }
                Command::Move(to) => {
                    self.ledger = Some(to);
                    wrote.push((true, false));
                }
            }
            (event, Did::Yes)
        };
        let done = commands.iter().map(run).collect();
        (done, wrote)
    }
}

impl Command {
    fn denial(self) -> Option<Deny> {
        match self {
            Command::Read => None,
            Command::Store(_) => Some(Deny::Store),
            Command::Move(_) => Some(Deny::Move),
        }
    }
}
