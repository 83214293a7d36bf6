//! The schemas that are known.

use crate::schema::parsed::Schema;
use crate::schema::wire::{Part, SchemaId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The most IDs that something is known of.
const MOST: usize = 10_000;
/// The most bytes of all known schemas.
const MOST_BYTES: usize = 32 << 20;
/// The most IDs that are asked for at a time. Others are asked for when they are next looked for.
pub(super) const MOST_ASKED: usize = 256;
/// The longest reason that is kept, in bytes.
const REASON: usize = 1024;
/// How long the registry's word counts that it has no schema of an ID: it may get one.
const UNKNOWN: Duration = Duration::from_secs(60);

/// A schema of the registry.
pub struct Known {
    /// Its ID.
    pub id: SchemaId,
    /// The same as text: each record that was written with it gets that in a header.
    id_text: String,
    /// The schema.
    pub schema: Schema,
    /// The subjects that have it, each with its version there, as text.
    versions: Vec<(String, String)>,
}

impl Known {
    /// `versions` are the subjects that have it, each with its version there.
    pub fn new(id: SchemaId, schema: Schema, versions: Vec<(String, i32)>) -> Known {
        let text = |(subject, version): (String, i32)| (subject, version.to_string());
        Known {
            id,
            id_text: id.to_string(),
            schema,
            versions: versions.into_iter().map(text).collect(),
        }
    }

    /// The headers that tell plugins of it: of this part, decoded as a type of this name. `subject`
    /// is the one that its version is looked for in first.
    pub fn headers<'a>(
        &'a self,
        part: Part,
        name: &'a str,
        subject: &str,
    ) -> impl Iterator<Item = (&'static [u8], &'a [u8])> {
        let [of_name, of_version, of_id] = part.told();
        let name = (!name.is_empty()).then_some((of_name, name));
        let version = self.version(subject).map(|version| (of_version, version));
        let all = [name, version, Some((of_id, &*self.id_text))];
        all.into_iter()
            .flatten()
            .map(|(header, text)| (header, text.as_bytes()))
    }

    /// Its version in this subject, otherwise in the first that has it.
    fn version(&self, subject: &str) -> Option<&str> {
        let named = self.versions.iter().find(|(name, _)| name == subject);
        named
            .or(self.versions.first())
            .map(|(_, version)| &**version)
    }
}

/// What is known of an ID.
#[derive(Clone)]
pub enum Found {
    /// The schema.
    Schema(Arc<Known>),
    /// The registry has none, or it can't be used, for this reason: no record with this ID can be
    /// decoded.
    None(Arc<str>),
    /// Nothing yet. If the registry was asked in vain: why.
    NotYet(Option<Arc<str>>),
}

enum State {
    Known(Arc<Known>),
    Refused(Arc<str>, Option<Instant>),
    /// It is being asked for; with the reason why it failed the last time.
    Asked(Option<Arc<str>>),
    /// It may be asked for again from this time on.
    Failed(Arc<str>, Instant),
}

struct Entry {
    state: State,
    /// By the cache's clock.
    used: u64,
}

/// The schemas that are known, the latest used ones.
#[derive(Default)]
pub(super) struct Cache {
    entries: HashMap<SchemaId, Entry>,
    clock: u64,
    bytes: usize,
    /// How many are asked for.
    asked: usize,
}

impl Cache {
    /// What is known of an ID, and whether it must be asked for now.
    pub fn find(&mut self, id: SchemaId) -> (Found, bool) {
        self.clock += 1;
        let now = Instant::now();
        let why = match self.entries.get_mut(&id) {
            None => None,
            Some(entry) => {
                entry.used = self.clock;
                match &entry.state {
                    State::Known(known) => return (Found::Schema(known.clone()), false),
                    State::Refused(why, until) if until.is_none_or(|until| now < until) => {
                        return (Found::None(why.clone()), false);
                    }
                    State::Refused(..) => None,
                    State::Asked(why) => return (Found::NotYet(why.clone()), false),
                    State::Failed(why, next) if now < *next => {
                        return (Found::NotYet(Some(why.clone())), false);
                    }
                    State::Failed(why, _) => Some(why.clone()),
                }
            }
        };
        let ask = self.asked < MOST_ASKED;
        if ask {
            self.put(id, State::Asked(why.clone()));
        }
        (Found::NotYet(why), ask)
    }

    /// A schema was found.
    pub fn known(&mut self, known: Known) {
        self.put(known.id, State::Known(Arc::new(known)));
    }

    /// The registry has no schema of this ID.
    pub fn unknown(&mut self, id: SchemaId, why: &str) {
        let until = Instant::now() + UNKNOWN;
        self.put(id, State::Refused(cut(why), Some(until)));
    }

    /// The registry has a schema that can't be used.
    pub fn unusable(&mut self, id: SchemaId, why: &str) {
        self.put(id, State::Refused(cut(why), None));
    }

    /// The registry gave no answer that counts.
    pub fn failed(&mut self, id: SchemaId, why: &str, pause: Duration) {
        self.put(id, State::Failed(cut(why), Instant::now() + pause));
    }

    fn gone(&mut self, old: Option<Entry>) {
        if let Some(old) = old {
            self.bytes -= size(&old.state);
            self.asked -= usize::from(matches!(old.state, State::Asked(_)));
        }
    }

    fn put(&mut self, id: SchemaId, state: State) {
        self.clock += 1;
        let used = self.clock;
        self.asked += usize::from(matches!(state, State::Asked(_)));
        self.bytes += size(&state);
        let old = self.entries.insert(id, Entry { state, used });
        self.gone(old);
        while self.entries.len() > MOST || self.bytes > MOST_BYTES {
            let oldest = { self.entries.iter() }
                .filter(|(_, entry)| !matches!(entry.state, State::Asked(_)))
                .min_by_key(|(_, entry)| entry.used);
            let Some((&oldest, _)) = oldest else { break };
            // The newest is kept, however large it is.
            if oldest == id {
                break;
            }
            let old = self.entries.remove(&oldest);
            self.gone(old);
        }
    }
}

pub(super) fn lock(cache: &Mutex<Cache>) -> MutexGuard<'_, Cache> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A reason, no longer than messages of failures are; it may hold what others wrote.
pub(super) fn cut(why: &str) -> Arc<str> {
    let end = why.floor_char_boundary(REASON);
    why[..end].into()
}

fn size(state: &State) -> usize {
    match state {
        State::Known(known) => {
            let versions = known.versions.iter().map(|(subject, _)| subject.len());
            known.schema.size + versions.sum::<usize>()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(number: u32, size: usize) -> Known {
        let versions = vec![("a-value".into(), 1), ("b-value".into(), 7)];
        Known::new(SchemaId::Number(number), Schema::any(size), versions)
    }

    #[test]
    fn an_id_is_asked_for_once_at_a_time() {
        let mut cache = Cache::default();
        let id = SchemaId::Number(1);
        assert!(matches!(cache.find(id), (Found::NotYet(None), true)));
        assert!(matches!(cache.find(id), (Found::NotYet(None), false)));
        cache.failed(id, "away", Duration::from_secs(600));
        assert!(matches!(cache.find(id), (Found::NotYet(Some(why)), false) if *why == *"away"));
        cache.failed(id, "away", Duration::ZERO);
        assert!(matches!(cache.find(id), (Found::NotYet(Some(_)), true)));
        assert!(matches!(cache.find(id), (Found::NotYet(Some(_)), false)));
        cache.known(known(1, 10));
        let (Found::Schema(found), false) = cache.find(id) else {
            panic!("it is known")
        };
        assert_eq!(found.version("b-value"), Some("7"));
        assert_eq!(found.version("other"), Some("1"));
        cache.unusable(SchemaId::Number(2), "broken");
        assert!(matches!(
            cache.find(SchemaId::Number(2)),
            (Found::None(_), false)
        ));
    }

    #[test]
    fn the_latest_used_schemas_are_kept_within_the_limits() {
        let mut cache = Cache::default();
        let first = SchemaId::Number(0);
        for number in 0..40 {
            cache.known(known(number, MOST_BYTES / 10));
            assert!(matches!(cache.find(first), (Found::Schema(_), false)));
        }
        // With the names of their subjects, ten are a little too many.
        assert!(cache.entries.len() == 9 && cache.bytes <= MOST_BYTES);
        cache.known(known(100, MOST_BYTES * 2));
        assert_eq!(cache.entries.len(), 1, "the newest one is kept alone");
        for number in 1000..1000 + 2 * MOST as u32 {
            cache.unknown(SchemaId::Number(number), "none");
        }
        assert!(cache.entries.len() == MOST && cache.bytes == 0);
    }

    #[test]
    fn a_bounded_number_of_ids_is_asked_for() {
        let mut cache = Cache::default();
        let mut asked = 0;
        for number in 0..10 * MOST_ASKED as u32 {
            asked += usize::from(cache.find(SchemaId::Number(number)).1);
        }
        assert_eq!((asked, cache.entries.len()), (MOST_ASKED, MOST_ASKED));
        cache.unknown(SchemaId::Number(0), "none");
        assert!(cache.find(SchemaId::Number(5000)).1);
        assert!(!cache.find(SchemaId::Number(5001)).1);
    }
}
