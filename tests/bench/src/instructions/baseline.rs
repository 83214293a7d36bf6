//! The committed counts.

use super::counter::Count;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the file's head says before the versions.
const ABOUT: &str = "\
# Instructions per record of the daemon's hot paths (tests/bench/src/cases).
# Written by: cargo xtask bench instructions --update
";

/// Counts, and with what they were taken.
pub struct Baseline {
    /// What the counts depend on, beside the code.
    pub context: BTreeMap<String, String>,
    /// Instructions per record, by case.
    pub counts: BTreeMap<String, f64>,
}

impl Baseline {
    /// What was counted now.
    pub fn of(counts: &[Count]) -> Baseline {
        let each = |count: &Count| {
            let per_record = count.instructions as f64 / count.records as f64;
            (count.name.clone(), (per_record * 100.0).round() / 100.0)
        };
        Baseline {
            context: context(),
            counts: counts.iter().map(each).collect(),
        }
    }

    /// What is committed; nothing if the file is missing.
    pub fn read() -> Result<Baseline> {
        match fs::read_to_string(file()) {
            Ok(text) => parse(&text),
            Err(_) => parse(""),
        }
    }

    /// Replaces what is committed.
    pub fn write(&self) -> Result<()> {
        let file = file();
        fs::write(&file, self.text()).with_context(|| format!("can't write {}", file.display()))?;
        eprintln!("wrote {}", file.display());
        Ok(())
    }

    fn text(&self) -> String {
        let context = self.context.iter();
        let context = context.map(|(name, value)| format!("# {name}: {value}\n"));
        let counts = self.counts.iter();
        let counts = counts.map(|(name, count)| format!("{name} {count:.2}\n"));
        ABOUT.to_owned() + &context.collect::<String>() + &counts.collect::<String>()
    }
}

fn parse(text: &str) -> Result<Baseline> {
    let (mut context, mut counts) = (BTreeMap::new(), BTreeMap::new());
    let known = text.lines().filter(|line| !ABOUT.contains(line));
    for line in known {
        if let Some((name, value)) = line.strip_prefix("# ").and_then(|of| of.split_once(": ")) {
            context.insert(name.to_owned(), value.to_owned());
        } else {
            let count = line.split_once(' ');
            let count = count.and_then(|(name, count)| Some((name, count.parse().ok()?)));
            let (name, count) =
                count.with_context(|| format!("the baseline has a line: {line}"))?;
            counts.insert(name.to_owned(), count);
        }
    }
    Ok(Baseline { context, counts })
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.baseline")
}

/// What the counts depend on: the compiler, the C library that copies and allocates, and Valgrind,
/// which also decides which processor they see.
fn context() -> BTreeMap<String, String> {
    let avx2 = match is_avx2() {
        true => "with AVX2",
        false => "without AVX2",
    };
    let all = [
        ("libc", said("getconf", &["GNU_LIBC_VERSION"])),
        ("processor", format!("{} {avx2}", std::env::consts::ARCH)),
        ("rustc", said("rustc", &["--version"])),
        ("valgrind", said("valgrind", &["--version"])),
    ];
    let all = all.into_iter();
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn is_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

fn said(program: &str, arguments: &[&str]) -> String {
    // Which rustc it is depends on the folder.
    let output = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let text = "# libc: glibc 2.36\n# rustc: rustc 1.95.0\na/b 1.50\na/c 20.00\n";
        let text = ABOUT.to_owned() + text;
        let read = parse(&text).unwrap();
        assert_eq!(read.counts["a/b"], 1.5);
        assert_eq!(read.context["rustc"], "rustc 1.95.0");
        assert_eq!(read.text(), text);
        assert!(parse("a/b\n").is_err());
    }
}
