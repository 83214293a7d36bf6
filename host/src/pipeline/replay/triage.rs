//! Decides which letters are replayed.

use super::{Letter, Replayer};
use crate::log::Short;
use crate::record::Class;
use crate::store::Mark;
use std::hash::BuildHasher;

/// A letter that is to be replayed.
pub(super) struct Chosen {
    pub letter: Letter,
    /// The identity of its record.
    pub source: String,
    /// Its index among the given letters.
    at: usize,
}

impl Chosen {
    /// The mark that this letter was sent. It contains how often the record had been
    /// sent, so that a letter that came back can be sent again, and the topic if it is
    /// not the record's.
    pub fn sent_mark(&self, to: Option<&str>) -> String {
        let mark = format!("{}#{}", self.source, self.letter.replays);
        match to.filter(|to| **to != *self.letter.source.topic) {
            Some(to) => format!("{mark}>{to}"),
            None => mark,
        }
    }

    pub fn place(&self) -> String {
        let record = &self.letter.record;
        format!("{}/{}", record.origin, record.offset)
    }
}

impl Replayer {
    /// Counts and leaves out letters that must not be replayed, and those that were
    /// replayed before.
    pub(super) fn triage(&mut self, letters: Vec<Letter>) -> anyhow::Result<Vec<Chosen>> {
        let mut chosen = Vec::new();
        for (at, letter) in letters.into_iter().enumerate() {
            let source = letter.identity(self.settings.replays);
            let one = Chosen { letter, source, at };
            match self.objection(&one.letter) {
                Some((reason, why)) => self.report.refuse(reason, &why, one.place()),
                None if self.is_copy(&one) => self.report.copies += 1,
                None => chosen.push(one),
            }
        }
        let (forced, chosen): (Vec<_>, Vec<_>) =
            chosen.into_iter().partition(|one| self.is_forced(one));
        let mut chosen = self.not_marked(chosen, Mark::Stored, |one| one.source.clone())?;
        chosen.extend(forced);
        // Restores the order of the letters.
        chosen.sort_by_key(|one| one.at);
        match self.rules.to_topic.clone() {
            // With `force`, marked records are sent again: they may be lost, such as to retention.
            Some(to) if !self.rules.force => {
                self.not_marked(chosen, Mark::Sent, |one| one.sent_mark(to.as_deref()))
            }
            _ => Ok(chosen),
        }
    }

    /// Whether a record is replayed even if it is marked: the mark may be from its
    /// other events, or from a daemon that could not remove it.
    pub(super) fn is_forced(&self, one: &Chosen) -> bool {
        self.rules.force && one.letter.class == Class::StoreRefused.name()
    }

    /// Removes the marks of forced letters.
    pub(super) fn unmark_forced<'a>(
        &mut self,
        letters: impl Iterator<Item = &'a Chosen>,
    ) -> anyhow::Result<()> {
        let forced = letters.filter(|one| self.is_forced(one));
        let names: Vec<&str> = forced.map(|one| &*one.source).collect();
        if names.is_empty() {
            return Ok(());
        }
        let group = self.settings.group.clone();
        self.ask(|writer| writer.unmark(&group, &names))
    }

    /// Why a letter must not be replayed: the reason and its explanation.
    fn objection(&self, letter: &Letter) -> Option<(&'static str, String)> {
        let rules = &self.rules;
        let (name, max, topic) = (&self.settings.name, rules.max_replays, &letter.source.topic);
        if !self.settings.topics.iter().any(|of| **of == **topic) {
            let topic = Short(topic);
            let why =
                format!("the record is from topic {topic}, which pipeline {name} does not read");
            return Some(("not-this-pipeline", why));
        }
        if !letter.may_be_of(&self.settings.group) {
            let (group, of) = (&self.settings.group, letter.group.as_deref());
            let of = Short(of.unwrap_or_default());
            let why = format!(
                "the record failed in group {of}, but pipeline {name} is in group {group}, \
                 which may have its events"
            );
            return Some(("not-this-group", why));
        }
        if let Some(why) = letter.absent() {
            let (source, offset) = (&letter.source, letter.source_offset);
            let why = format!("the letter lacks its record, {source}/{offset}: {why}");
            return Some(("record-gone", why));
        }
        if letter.own_value {
            let why = "the letter has a value that the dead-letter policy wrote, not the value of the record";
            return Some(("value-replaced", why.into()));
        }
        let sends = rules.to_topic.is_some();
        let over = match sends {
            true => letter.replays >= max,
            false => letter.replays > max,
        };
        if over {
            let why = format!(
                "the record was sent to its topic and failed again as often as --max-replays \
                 allows ({max})"
            );
            return Some(("max-replays", why));
        }
        // If the record made several events, some may be stored. The current plugin may
        // make another number of events than the old one did.
        let refused = letter.class == Class::StoreRefused.name();
        if refused && letter.events != Some(1) && !rules.force {
            let why = "the store refused one event of the record and may have stored others, which a \
                       replay would duplicate; --force replays all of them";
            return Some(("partly-stored", why.into()));
        }
        None
    }

    /// Leaves out letters that have this mark.
    fn not_marked(
        &mut self,
        chosen: Vec<Chosen>,
        mark: Mark,
        name: impl Fn(&Chosen) -> String,
    ) -> anyhow::Result<Vec<Chosen>> {
        let names: Vec<String> = chosen.iter().map(name).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let group = self.settings.group.clone();
        let marked = self.ask(|writer| writer.marked(&group, mark, &names))?;
        let (old, new): (Vec<_>, Vec<_>) = chosen.into_iter().zip(marked).partition(|(_, m)| *m);
        self.report.before += old.len() as u64;
        Ok(new.into_iter().map(|(one, _)| one).collect())
    }

    /// Whether an earlier letter has the same record. The hash has 128 bits with random
    /// keys, so collisions are not to be expected.
    fn is_copy(&mut self, one: &Chosen) -> bool {
        let name = match &self.rules.to_topic {
            Some(to) => one.sent_mark(to.as_deref()),
            None => one.source.clone(),
        };
        let [high, low] = &self.hashers;
        let hash = u128::from(high.hash_one(&name)) << 64 | u128::from(low.hash_one(&name));
        !self.seen.insert(hash)
    }
}
