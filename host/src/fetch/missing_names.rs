//! Names that were looked for in a document and not found.

use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The maximum number of names that are remembered. When there are more, those
/// known to be missing are forgotten: the next lookup of such a name must be
/// retried once more, with no other effect.
const MAX: usize = 1024;
/// After this long a missing name is looked for again.
const FORGET: Duration = Duration::from_secs(300);

/// When each missing name was first looked for. Anyone can make up names, so the
/// number is bounded, and a name costs the same whatever its length.
#[derive(Default)]
pub(super) struct MissingNames(HashMap<[u8; 16], Instant>);

impl MissingNames {
    /// Whether a name is certainly missing from the version fetched at `fetched`,
    /// since it was looked for before that.
    pub fn is_missing(&mut self, name: &[u8], fetched: Instant, now: Instant) -> bool {
        let digest = digest(name);
        let since = self.0.get(&digest).copied();
        let since = since.filter(|since| now.duration_since(*since) < FORGET);
        match since {
            Some(since) => since < fetched,
            None => {
                self.note(digest, fetched, now);
                false
            }
        }
    }

    fn note(&mut self, digest: [u8; 16], fetched: Instant, now: Instant) {
        if self.0.len() >= MAX {
            self.0.retain(|_, since| *since >= fetched);
        }
        if self.0.len() < MAX {
            self.0.insert(digest, now);
        }
    }
}

fn digest(name: &[u8]) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(name)[..16]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_name_is_missing_when_it_was_asked_for_before_the_fetch() {
        let (mut names, start) = (MissingNames::default(), Instant::now());
        let at = |seconds| start + SECOND * seconds;
        assert!(!names.is_missing(b"k", at(0), at(1)));
        assert!(!names.is_missing(b"k", at(0), at(2)), "not fetched since");
        assert!(
            !names.is_missing(b"k", at(1), at(3)),
            "it may be equally old"
        );
        assert!(names.is_missing(b"k", at(2), at(4)));
        assert!(!names.is_missing(b"l", at(2), at(4)), "another name");
        assert!(names.is_missing(b"k", at(2), at(300)));
        assert!(
            !names.is_missing(b"k", at(2), at(302)),
            "it is looked for again"
        );
    }

    #[test]
    fn made_up_names_are_bounded_and_do_not_block_others_for_good() {
        let (mut names, start) = (MissingNames::default(), Instant::now());
        let at = |seconds| start + SECOND * seconds;
        for n in 0..5000_u32 {
            assert!(!names.is_missing(&n.to_le_bytes(), at(0), at(1)));
        }
        assert_eq!(names.0.len(), MAX);
        assert!(!names.is_missing(b"late", at(2), at(3)));
        assert_eq!(names.0.len(), 1, "known missing names are removed");
        assert!(names.is_missing(b"late", at(4), at(5)));
    }
}
