//! The file that keeps a run's results.

use crate::machine;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Writes what was measured, where and how; returns the file's path.
pub fn write(what: &str, out: Option<&Path>, measured: &Value) -> Result<PathBuf> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let file = match out {
        Some(file) => file.to_path_buf(),
        None => Path::new("target/bench-results").join(format!("{what}-{now}.json")),
    };
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    }
    let all = json!({ "what": what, "machine": machine::description(), "measured": measured });
    let text = serde_json::to_string_pretty(&all)? + "\n";
    fs::write(&file, text).with_context(|| format!("can't write {}", file.display()))?;
    Ok(file)
}
