//! The transaction after a look: its commands and its result.

use super::answers::{Done, Outcome};
use super::commands;
use super::new_events::NewEvents;
use super::places::CommandPlaces;
use super::resp::Commands;
use super::streams::Streams;
use super::upkeep::{Due, KeptUp};
use super::values;
use super::writer::RedisWriter;
use crate::store::{Append, Ledger, LedgerKey, Unavailable};
use redis::Pipeline;

/// A transaction after the MULTI that ended its look.
struct Transaction {
    commands: Commands,
    places: CommandPlaces,
    kept_up: KeptUp,
}

impl RedisWriter {
    fn transaction(&mut self, append: &Append, replays: &[&str], ledger: &Ledger) -> Transaction {
        let (mut commands, streams, kept_up) = self.event_commands(append);
        let before = commands.len();
        let mut pipe = redis::pipe();
        commands::add_reports(&mut pipe, &self.keys, append);
        commands::mark_replays(&mut pipe, &self.keys, append, replays, self.now);
        commands::note_suppressed(&mut pipe, &self.keys, append, self.now);
        let rung = commands::ring(&mut pipe, before, &self.keys, &self.ringer, &streams);
        let mut places = CommandPlaces {
            events: append.events.len(),
            ledger: before + pipe.len(),
            spare: None,
            rung,
        };
        commands::move_ledger(&mut pipe, &self.keys, append, ledger);
        if append.keeps_state {
            places.spare = Some(before + pipe.len());
            values::upkeep(&mut pipe, &self.keys, append);
        }
        pipe.cmd("EXEC");
        commands.add(&pipe);
        Transaction {
            commands,
            places,
            kept_up,
        }
    }

    /// Begins a transaction with its events and the upkeep of their streams.
    pub(super) fn event_commands<'a>(
        &mut self,
        append: &Append<'a>,
    ) -> (Commands, Streams<'a>, KeptUp) {
        let mut commands = std::mem::take(&mut self.commands);
        commands.clear();
        let streams = self.distinct.of(append.events);
        let due = self.upkeep.due(&streams, append.events);
        let mut oldest = [0; 20];
        let oldest = self.upkeep.oldest(&mut oldest, self.now);
        let by_age = due.iter().filter_map(Due::event);
        self.events
            .add(&mut commands, &self.keys, append, (by_age, oldest));
        let kept_up = self.upkeep.add(&mut commands, &self.keys, &due, self.now);
        (commands, streams, kept_up)
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
            mut commands,
            places,
            kept_up,
        } = self.transaction(append, &fresh.replays, ledger);
        let own = commands.len();
        if let Some(key) = following {
            let mut pipe = redis::pipe();
            self.add_look_ahead(&mut pipe, key);
            commands.add(&pipe);
        }
        let outcome = self.send_transaction(commands, own, places, following)?;
        if matches!(&outcome, Outcome::Done(Done { trouble: None, .. })) {
            self.upkeep.done(&kept_up);
        }
        Ok(outcome)
    }

    /// Sends a transaction of these commands, after its look, without a look-ahead.
    pub(super) fn finish(
        &mut self,
        pipe: &Pipeline,
        places: CommandPlaces,
    ) -> Result<Outcome, Unavailable> {
        let mut commands = std::mem::take(&mut self.commands);
        commands.clear();
        commands.add(pipe);
        self.finish_with(commands, places)
    }

    /// The same for commands without EXEC.
    pub(super) fn finish_with(
        &mut self,
        mut commands: Commands,
        places: CommandPlaces,
    ) -> Result<Outcome, Unavailable> {
        let mut exec = redis::pipe();
        exec.cmd("EXEC");
        commands.add(&exec);
        let own = commands.len();
        self.send_transaction(commands, own, places, None)
    }

    /// Sends a transaction of `own` commands, EXEC included, and the look ahead
    /// that follows it, if any.
    fn send_transaction(
        &mut self,
        commands: Commands,
        own: usize,
        places: CommandPlaces,
        following: Option<&LedgerKey>,
    ) -> Result<Outcome, Unavailable> {
        self.inside = false;
        let sent = self.link.execute_on(&commands, own);
        self.commands = commands;
        self.commands.clear();
        let (answers, behind) = sent?;
        let otherwise = self.ringer.learn(places.rung, &answers);
        let outcome = answers.outcome(places);
        match (&outcome, following) {
            // Closing the connection ends the rest of it, and the look-ahead.
            (Outcome::Refused(_), _) => self.link.close(),
            (_, Some(key)) => self.looked_ahead(key, &behind),
            (_, None) => {}
        }
        Ok(match otherwise {
            true => Outcome::Conflict,
            false => outcome,
        })
    }
}

/// Why a transaction was done only in part.
pub(super) fn trouble(done: &Done) -> Unavailable {
    let said = done.trouble.as_deref().unwrap_or_default();
    Unavailable(format!("Redis: {said}"))
}
