//! Where a run's results go: a table for people, a line of JSON, and a file that keeps them.

use crate::machine;
use crate::stats::Figure;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(clap::Args)]
pub struct Output {
    /// Print the results as JSON, one object per line, and all else on standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// Where the results are written [default: target/bench-results/WHAT-TIME.json]
    #[arg(long, global = true, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Output {
    /// A line of a table.
    pub fn line(&self, line: &str) {
        if self.json {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
    }

    /// Results as JSON, if that is wanted.
    pub fn object(&self, object: &Value) {
        if self.json {
            println!("{object}");
        }
    }

    /// All that was measured: a table, JSON, and the file.
    pub fn figures(&self, what: &str, figures: &[Figure]) -> Result<()> {
        self.line("median (least..most)");
        for figure in figures {
            self.line(&figure.shown());
            self.object(&serde_json::to_value(figure)?);
        }
        self.keep(what, &serde_json::to_value(figures)?)
    }

    /// Writes what was measured, where and how.
    pub fn keep(&self, what: &str, measured: &Value) -> Result<()> {
        let file = write(what, self.out.as_deref(), measured)?;
        eprintln!("results: {}", file.display());
        Ok(())
    }
}

/// Returns the file's path.
fn write(what: &str, out: Option<&Path>, measured: &Value) -> Result<PathBuf> {
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
