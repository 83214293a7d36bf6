use crate::record::Record;
use crate::world::World;
use fastrand::Rng;
use std::sync::mpsc::Receiver;

/// How many records go to Kafka at once: sometimes a few, mostly a burst that keeps the daemons
/// busy for a while. A fault reveals nothing in an idle daemon.
const CHUNK: std::ops::Range<u32> = 100..10_000;
/// Each record has a minute; no fault lasts longer.
const TRIES: usize = 3;

/// Produces during the faults, up to the numbers that it is given, until the sender closes.
pub fn produce(world: &World, seed: u64, quotas: &Receiver<u32>) {
    let mut random = Rng::with_seed(!seed);
    let mut next = 0;
    while let Ok(quota) = quotas.recv() {
        while next < quota {
            let end = quota.min(next + random.u32(CHUNK));
            send(world, seed, next..end);
            next = end;
        }
    }
}

/// Records that Kafka accepted before an error are sent again and are in the topic twice: the check
/// compares with the topic's content.
fn send(world: &World, seed: u64, numbers: std::ops::Range<u32>) {
    for attempt in 1..=TRIES {
        let messages = numbers
            .clone()
            .map(|number| Record::new(seed, number).message());
        match world.kafka.try_produce(&world.topic, messages) {
            Ok(()) => return,
            Err(error) => world
                .journal
                .note(&format!("producing, try {attempt}: {error:#}")),
        }
    }
    panic!("Kafka accepts no records, see the journal");
}
