use crate::record::Record;
use crate::world::World;
use fastrand::Rng;
use std::sync::mpsc::Receiver;

/// How many records go to Kafka at once: sometimes a trickle, mostly a burst that keeps the daemons
/// busy for a while. A fault shows nothing of an idle daemon.
const CHUNK: std::ops::Range<u32> = 100..10_000;
/// Each is given a minute; longer than this no fault lasts.
const TRIES: usize = 3;

/// Produces while faults happen, up to the numbers it is told, until it is told no more.
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

/// What Kafka took before an error is sent again, and is in the topic twice: the check compares with
/// what the topic has.
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
    panic!("Kafka takes no records, see the journal");
}
