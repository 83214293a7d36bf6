//! The process that Valgrind runs: all cases, one after another.

use super::counter::PROGRAM;
use super::{aligned, whole_answers};
use crate::cases::{self, Setup};
use anyhow::Result;
use clap::Args;

/// Each case is counted so often. The least counts: the rest are ticks of the engine's clock.
pub const RUNS: usize = 5;
/// Runs before, in which buffers grow.
const WARM_UP: usize = 3;

/// What the process needs.
#[derive(Args)]
pub struct CountOptions {
    /// The address of an empty Redis
    #[arg(long)]
    pub redis: String,
    /// Only compile what is not compiled yet
    #[arg(long)]
    pub prepare: bool,
}

/// Runs the cases, and prints which they are.
pub fn run(options: &CountOptions) -> Result<()> {
    aligned::begin();
    let setup = Setup {
        nothing: "nothing.wasm".into(),
        compiler: PROGRAM.into(),
        cache: "cache".into(),
        redis: whole_answers::before(&options.redis)?,
    };
    let cases = cases::all(&setup)?;
    if options.prepare {
        return Ok(());
    }
    for mut case in cases {
        (0..WARM_UP).for_each(|_| (case.run)());
        (0..RUNS).for_each(|_| millstream_counted(&mut *case.run));
        println!("{} {}", case.name, case.records);
    }
    Ok(())
}

/// What Valgrind counts: the instructions from its beginning to its end, in this thread. Valgrind
/// knows it by this name.
// SAFETY: no other symbol has this name.
#[unsafe(no_mangle)]
#[inline(never)]
fn millstream_counted(run: &mut dyn FnMut()) {
    run();
}
