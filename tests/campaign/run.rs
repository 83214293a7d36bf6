//! A campaign from the first daemon to the final count.

use crate::check::Checker;
use crate::findings::Findings;
use crate::inflict::inflict;
use crate::input::Input;
use crate::ledgers::Ledgers;
use crate::load::produce;
use crate::options::Options;
use crate::plan::{Kind, Step, plan};
use crate::report;
use crate::versions::Versions;
use crate::world::World;
use clap::ValueEnum;
use std::sync::mpsc::{self, SyncSender};
use std::thread;
use std::time::Duration;

/// How long a daemon may take to become ready on a busy machine.
const START: Duration = Duration::from_secs(120);

/// # Errors
/// Everything that was wrong.
pub fn run(world: &World, options: &Options, seed: u64) -> Result<(), String> {
    let instances = usize::from(options.instances);
    let kinds = match &*options.only {
        [] => Kind::value_variants(),
        only => only,
    };
    let steps = plan(seed, options.faults, instances, kinds);
    start(world, instances);
    thread::scope(|scope| {
        // Room for one share each.
        let (quota, quotas) = mpsc::sync_channel(steps.len() + 1);
        scope.spawn(move || produce(world, seed, &quotas));
        // No records arrive after the faults: a partition without new records must recover too.
        let share = options.records / u32::try_from(steps.len().max(1)).unwrap();
        all_faults(world, &steps, share, &quota);
        drop(quota); // stops the producer
    });
    world
        .journal
        .note("the last fault is over, all records are produced");
    Ledgers::of(world).wait_for_ends()?;
    world
        .instances()
        .for_each(|mut instance| instance.terminate());
    world
        .journal
        .note("every ledger is at the end of its partition, all daemons are stopped");
    let (records, findings) = count(world, seed, options.stateful);
    println!("{}", report::table(world, &steps, records, &findings));
    let bad_ends = report::bad_ends(world);
    match findings.flaws() == 0 && bad_ends.is_empty() {
        true => Ok(()),
        false => Err(format!("{findings}\n{}", bad_ends.join("\n"))),
    }
}

fn start(world: &World, instances: usize) {
    (0..instances).for_each(|slot| world.instance(slot).start(world.version()));
    for slot in 0..instances {
        let instance = world.instance(slot);
        instance.running().unwrap().wait_ready(START);
    }
    Ledgers::of(world).wait_for_all();
}

/// Each step has a share of the records, and its faults happen while that share is processed.
fn all_faults(world: &World, steps: &[Step], share: u32, quota: &SyncSender<u32>) {
    let ledgers = Ledgers::of(world);
    let tenth = steps.len().div_ceil(10);
    let mut produced = 0;
    for (number, step) in steps.iter().enumerate() {
        produced += share;
        quota.send(produced).expect("the producer gave up");
        ledgers.wait_for_progress(share, step.after);
        thread::scope(|scope| {
            for fault in &step.faults {
                scope.spawn(|| inflict(world, fault));
            }
        });
        world
            .instances()
            .for_each(|mut instance| instance.look_after(world.version()));
        if number % tenth == tenth - 1 {
            let elapsed = world.journal.elapsed().as_secs();
            println!("{} of {} steps, {elapsed} s", number + 1, steps.len());
        }
    }
}

fn count(world: &World, seed: u64, stateful: bool) -> (usize, Findings) {
    let mut input = Input::read(&world.kafka, &world.topic, seed);
    if stateful {
        input.number_by_client();
    }
    let versions = Versions::read(&world.redis, &world.key("swaps"), &world.versions);
    let mut checker = Checker::new(&input, &versions);
    world.redis.each_page(world.prefix(), |client, page| {
        page.iter().for_each(|entry| checker.event(client, entry));
    });
    world
        .kafka
        .read_each(&world.dead, |letter| checker.letter(&letter));
    (input.count(), checker.finish())
}
