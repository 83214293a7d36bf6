//! The transaction after a look: its commands and its result.

use super::answers::{CommandPlaces, Done, Outcome, outcome};
use super::commands;
use super::new_events::NewEvents;
use super::upkeep::KeptUp;
use super::values;
use super::writer::RedisWriter;
use crate::store::{Append, Ledger, LedgerKey, Unavailable};
use redis::Pipeline;

/// A transaction after the MULTI that ended its look.
struct Transaction {
    pipe: Pipeline,
    places: CommandPlaces,
    kept_up: KeptUp,
}

impl RedisWriter {
    fn transaction(&self, append: &Append, replays: &[&str], ledger: &Ledger) -> Transaction {
        let mut pipe = redis::Pipeline::with_capacity(append.events.len() + 8);
        commands::add_events(&mut pipe, &self.keys, append, self.max_events);
        commands::add_reports(&mut pipe, &self.keys, append);
        let kept_up = self.upkeep.add(&mut pipe, &self.keys, append, self.now);
        commands::mark_replays(&mut pipe, &self.keys, append, replays, self.now);
        commands::note_suppressed(&mut pipe, &self.keys, append, self.now);
        let rung = commands::ring(&mut pipe, &self.keys, &self.ringer, append);
        let mut places = CommandPlaces {
            events: append.events.len(),
            ledger: pipe.len(),
            spare: None,
            rung,
        };
        commands::move_ledger(&mut pipe, &self.keys, append, ledger);
        if append.keeps_state {
            places.spare = Some(pipe.len());
            values::upkeep(&mut pipe, &self.keys, append);
        }
        pipe.cmd("EXEC");
        Transaction {
            pipe,
            places,
            kept_up,
        }
    }

    /// A bug that the campaign must find: the ledger is moved before the events
    /// are stored, and changes in between are not noticed. The pause makes sure
    /// that some daemon is killed in between.
    #[cfg(feature = "seeded-bug")]
    fn move_ledger_first(&mut self, append: &Append, ledger: &Ledger) -> Result<(), Unavailable> {
        self.leave();
        let mut pipe = redis::pipe();
        commands::move_ledger(&mut pipe, &self.keys, append, ledger);
        pipe.cmd("MULTI");
        self.link.send(&pipe).map(drop)?;
        std::thread::sleep(std::time::Duration::from_millis(50));
        Ok(())
    }

    /// Sends the transaction. It uses up the look, whatever the result.
    pub(super) fn execute(
        &mut self,
        append: &Append,
        fresh: &NewEvents,
        ledger: &Ledger,
        following: Option<&LedgerKey>,
    ) -> Result<Outcome, Unavailable> {
        #[cfg(feature = "seeded-bug")]
        self.move_ledger_first(append, ledger)?;
        let append = &Append {
            events: fresh.events(append.events),
            reports: &fresh.reports(append.reports),
            exchange: append.exchange.clone(),
            ..*append
        };
        let Transaction {
            mut pipe,
            places,
            kept_up,
        } = self.transaction(append, &fresh.replays, ledger);
        let commands = pipe.len();
        if let Some(key) = following {
            self.add_look_ahead(&mut pipe, key);
        }
        self.inside = false;
        let mut answers = self.link.send_on(&pipe)?;
        let behind = answers.split_off(commands);
        let otherwise = self.ringer.learn(places.rung, &answers);
        let outcome = outcome(answers, places);
        match &outcome {
            // Closing the connection ends the rest of it, and the look-ahead.
            Outcome::Refused(_) => self.link.close(),
            _ => following
                .into_iter()
                .for_each(|key| self.looked_ahead(key, &behind)),
        }
        if matches!(&outcome, Outcome::Done(Done { trouble: None, .. })) {
            self.upkeep.done(&kept_up);
        }
        Ok(if otherwise {
            Outcome::Conflict
        } else {
            outcome
        })
    }

    /// Finishes a transaction without a look-ahead, after its look.
    pub(super) fn finish(
        &mut self,
        mut pipe: Pipeline,
        places: CommandPlaces,
    ) -> Result<Outcome, Unavailable> {
        pipe.cmd("EXEC");
        self.inside = false;
        let answers = self.link.send_on(&pipe)?;
        let otherwise = self.ringer.learn(places.rung, &answers);
        let outcome = outcome(answers, places);
        if matches!(outcome, Outcome::Refused(_)) {
            self.link.close();
        }
        Ok(if otherwise {
            Outcome::Conflict
        } else {
            outcome
        })
    }
}

/// Why a transaction was done only in part.
pub(super) fn trouble(done: &Done) -> Unavailable {
    let said = done.trouble.as_deref().unwrap_or_default();
    Unavailable(format!("Redis: {said}"))
}
