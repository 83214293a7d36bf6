//! The campaign: random faults under load, from a seed, and a count of every record at the end.
//!
//! The end-to-end tests each show one promise under one fault. The campaign looks for combinations
//! that nobody thought of:
//! `cargo test --workspace --test campaign -- --seed 7 --faults 300 --records 2000000`.
//!
//! The seed determines the sequence of faults, their targets and their durations, but not the
//! daemons' state when a fault hits. A failure may need several runs of its seed to recur.
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't continue fails and reports where"
)]

mod check;
mod findings;
mod inflict;
mod input;
mod instance;
mod journal;
mod ledgers;
mod load;
mod options;
mod plan;
mod record;
mod report;
mod run;
mod selfcheck;
mod versions;
mod world;

use clap::Parser;
use options::Options;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use world::World;

fn main() -> ExitCode {
    let mut options = Options::parse();
    if options.lists() {
        if options.wanted() {
            println!("campaign: test");
        }
        return ExitCode::SUCCESS;
    }
    if !options.wanted() {
        return ExitCode::SUCCESS;
    }
    // Without a seed, as in `cargo test`: both kinds of transforms.
    let both = options.seed.is_none() && !options.stateful;
    let seed = options
        .seed
        .unwrap_or_else(|| fastrand::u64(..1_000_000_000));
    let mut passed = campaign(&options, seed);
    if both {
        options.stateful = true;
        passed &= campaign(&options, seed);
    }
    match passed {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Whether the campaign passed.
fn campaign(options: &Options, seed: u64) -> bool {
    let command = options.command(seed);
    println!("campaign of seed {seed}; again: {command}");
    let passed = catch_unwind(|| {
        selfcheck::self_check();
        run_in(&World::new(options), options, seed)
    });
    let passed = passed.unwrap_or(false);
    if !passed {
        println!("campaign of seed {seed} FAILED; again: {command}");
    }
    passed
}

/// Whether the campaign passed. Faults are printed here, while the logs still exist.
fn run_in(world: &World, options: &Options, seed: u64) -> bool {
    // A panic means that a step failed or timed out, and has already printed the reason.
    let failed = match catch_unwind(AssertUnwindSafe(|| run::run(world, options, seed))) {
        Ok(Ok(())) => return true,
        Ok(Err(why)) => why,
        Err(_) => "panicked, see above".into(),
    };
    println!("{failed}\nthe last faults:\n{}", report::last_faults(world));
    println!(
        "logs are kept in {}",
        report::keep_logs(world, seed).display()
    );
    false
}
