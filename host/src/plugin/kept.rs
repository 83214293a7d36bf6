//! Remembers which plugins were live last, beside their compiled code: a start
//! with broken plugin files may fall back to them.

use super::guest::Program;
use super::load::Loader;
use super::source::digest_of;
use serde::{Deserialize, Serialize};

/// A plugin that was live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its name in the configuration.
    pub name: String,
    /// The SHA-256 of its file.
    pub digest: String,
    /// Its table of the configuration, as JSON.
    pub config: String,
}

impl From<&Program> for Kept {
    fn from(program: &Program) -> Kept {
        Kept {
            name: program.name.to_string(),
            digest: program.digest.to_string(),
            config: program.config.to_string(),
        }
    }
}

impl Loader {
    /// Saves which plugins of a pipeline are live.
    pub fn keep(&self, pipeline: &str, live: &[Kept; 3]) {
        // Names, digests and texts are always valid JSON.
        let text = serde_json::to_vec(live).unwrap_or_default();
        self.cache.put_note(&name_of(pipeline), &text);
    }

    /// The plugins of a pipeline that were live last, if known.
    pub fn kept(&self, pipeline: &str) -> Option<[Kept; 3]> {
        let text = self.cache.note(&name_of(pipeline))?;
        serde_json::from_slice(&text).ok()
    }
}

/// A pipeline's name may have characters that a file name may not.
fn name_of(pipeline: &str) -> String {
    format!("live-{}", &digest_of(pipeline.as_bytes())[..16])
}
