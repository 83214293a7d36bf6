//! The latest schemas of subjects.

use super::cache::cut;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the latest version of a subject counts as that.
const REFRESH: Duration = Duration::from_secs(30);
/// The pause before a subject that failed is asked for again.
const PAUSE: Duration = Duration::from_secs(1);
/// The most subjects that are asked for: they are those of the configuration.
pub(super) const MOST: usize = 256;

/// The latest schemas of the subjects that were looked for.
#[derive(Default)]
pub(super) struct LatestVersions(HashMap<String, Subject>);

#[derive(Default)]
struct Subject {
    /// The schema's ID.
    id: Option<u32>,
    /// Why it was asked for in vain the last time.
    why: Option<Arc<str>>,
    is_asked: bool,
    /// When it is asked for again.
    next: Option<Instant>,
}

impl LatestVersions {
    /// The ID of the latest schema or why there is none, and whether it must be asked for now.
    pub fn find(&mut self, subject: &str) -> (Result<u32, Option<Arc<str>>>, bool) {
        let is_new = !self.0.contains_key(subject);
        if is_new && self.0.len() >= MOST {
            return (Err(Some("too many subjects".into())), false);
        }
        let of = self.0.entry(subject.into()).or_default();
        let is_due = of.next.is_none_or(|next| Instant::now() >= next);
        let ask = is_due && !of.is_asked;
        of.is_asked |= ask;
        (of.id.ok_or_else(|| of.why.clone()), ask)
    }

    /// The registry answered, or did not.
    pub fn told(&mut self, subject: &str, told: Result<u32, String>) {
        let of = self.0.entry(subject.into()).or_default();
        of.is_asked = false;
        let pause = match told {
            Ok(id) => {
                (of.id, of.why) = (Some(id), None);
                REFRESH
            }
            Err(why) => {
                of.why = Some(cut(&why));
                PAUSE
            }
        };
        of.next = Some(Instant::now() + pause);
    }
}
