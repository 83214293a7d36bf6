//! Counts the instructions of each case of `cases`, and compares them with a committed baseline.
//!
//! Valgrind's callgrind counts: what it counts does not depend on how fast or how busy the machine
//! is. Valgrind also shows every machine with AVX2 the same processor, so that the compiler of
//! plugins and the C library choose the same code.

mod aligned;
mod baseline;
mod counted;
mod counter;
mod report;
mod whole_answers;

pub use aligned::Aligned;
pub use counted::CountOptions;

use anyhow::{Context, Result, bail};
use baseline::Baseline;
use clap::Args;
use millstream::plugin::Meter;
use std::io::{Read, Write};

/// What `instructions` takes.
#[derive(Args)]
pub struct Options {
    /// Write the baseline anew, tests/bench/instructions.baseline
    #[arg(long)]
    update: bool,
    /// Print the counts as JSON
    #[arg(long)]
    json: bool,
}

/// Counts, prints, and fails if a case needs more than the baseline allows.
///
/// # Errors
/// When the counts can't be taken, or are too high.
pub fn run(options: &Options) -> Result<()> {
    if cfg!(debug_assertions) {
        bail!("the instructions of an unoptimised build mean nothing: use `cargo run --release`");
    }
    let now = Baseline::of(&counter::count()?);
    let before = Baseline::read()?;
    if options.json {
        println!("{}", report::json(&now, &before));
    } else {
        print!("{}", report::table(&now, &before));
    }
    if options.update {
        now.write()?;
        return Ok(());
    }
    report::judge(&now, &before)
}

/// Counts in this process, which runs in Valgrind.
///
/// # Errors
/// If a case can't be prepared.
pub fn count(options: &CountOptions) -> Result<()> {
    counted::run(options)
}

/// Compiles standard input to standard output, as the daemon's child does, but without its limits:
/// Valgrind needs more memory.
///
/// # Errors
/// Why it is not a plugin.
pub fn compile_plugin() -> Result<()> {
    let mut wasm = Vec::new();
    std::io::stdin().read_to_end(&mut wasm)?;
    let code = millstream::plugin::compile::compile(&wasm, Meter::Off)?;
    let written = std::io::stdout().write_all(&code);
    written.context("can't write the compiled plugin")
}
