//! Which plugins were live last, kept beside their compiled code: a start whose
//! plugin files are broken may go back to them.

use super::guest::Program;
use super::load::Loader;
use super::source::digest_of;
use serde::{Deserialize, Serialize};

/// A plugin that was live.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// As the configuration named it.
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
    /// Keeps which plugins of a pipeline are live.
    pub fn keep(&self, pipeline: &str, live: &[Kept; 3]) {
        // Names, digests and texts can't fail to be JSON.
        let text = serde_json::to_vec(live).unwrap_or_default();
        self.cache.put_note(&name_of(pipeline), &text);
    }

    /// Which plugins of a pipeline were live last, if that is known.
    pub fn kept(&self, pipeline: &str) -> Option<[Kept; 3]> {
        let text = self.cache.note(&name_of(pipeline))?;
        serde_json::from_slice(&text).ok()
    }
}

/// A pipeline's name may hold what a file's may not.
fn name_of(pipeline: &str) -> String {
    format!("live-{}", &digest_of(pipeline.as_bytes())[..16])
}
