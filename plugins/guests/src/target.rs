//! Checks whether Rust can build for wasm, and adds the target with rustup if
//! not.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The target of plugins.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Where the target is.
#[derive(Debug)]
pub struct Found {
    /// The folder of its standard library.
    pub folder: PathBuf,
    /// Whether it was just added.
    pub added: bool,
}

/// Finds the target in the sysroot of `rustc`. If it is missing, `rustup` adds
/// it to the toolchain in use. The error is one line that says what to install.
pub fn ensure(rustc: &OsStr, rustup: &OsStr) -> Result<Found, String> {
    let folder = folder(rustc)?;
    if holds_core(&folder) {
        return Ok(Found {
            folder,
            added: false,
        });
    }
    let missing = format!(
        "the plugins need Rust's standard library for {TARGET}, which isn't in {}",
        folder.display()
    );
    add(rustup).map_err(|problem| format!("{missing}: {problem}"))?;
    match holds_core(&folder) {
        true => Ok(Found {
            folder,
            added: true,
        }),
        false => Err(format!(
            "{missing}: rustup added it to another toolchain; install it for {}",
            Path::new(rustc).display()
        )),
    }
}

/// rustc is asked because distributions use other folders.
fn folder(rustc: &OsStr) -> Result<PathBuf, String> {
    let mut asked = Command::new(rustc);
    asked.args(["--print", "target-libdir", "--target", TARGET]);
    let name = Path::new(rustc).display();
    match asked.output() {
        Ok(answer) if answer.status.success() => Ok(text(&answer.stdout).into()),
        Ok(answer) => Err(format!(
            "{name} can't print its folder for {TARGET}: {}; install Rust with rustup, https://rustup.rs",
            error_line(&answer.stderr)
        )),
        Err(error) => Err(format!("can't run {name}: {error}")),
    }
}

/// The folder alone may be the rest of a removed target.
fn holds_core(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name())
        .any(|name| name.to_string_lossy().starts_with("libcore-"))
}

fn add(rustup: &OsStr) -> Result<(), String> {
    let by_hand = format!("`rustup target add {TARGET}`");
    match Command::new(rustup)
        .args(["target", "add", TARGET])
        .output()
    {
        Ok(Output { status, .. }) if status.success() => Ok(()),
        Ok(Output { stderr, .. }) => Err(format!(
            "{by_hand} failed ({}); run it where there is a network",
            error_line(&stderr)
        )),
        Err(_) => Err(format!(
            "rustup, which adds it, is missing; install rustup (https://rustup.rs) and run {by_hand}, \
             or install the package of this Rust that contains it (Debian: libstd-rust-dev-wasm32)"
        )),
    }
}

/// The line with the error, without progress, causes and backtrace.
fn error_line(output: &[u8]) -> String {
    let output = text(output);
    let mut lines = output.lines();
    let error = lines.find(|line| line.starts_with("error"));
    error
        .or(output.lines().last())
        .unwrap_or("no error message")
        .to_string()
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).trim().to_string()
}
