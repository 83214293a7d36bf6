//! The plan of faults. It depends only on the seed.

use fastrand::Rng;
use std::fmt::{Display, Formatter, Result};
use std::time::Duration;

/// The duration of most faults, in milliseconds.
const SHORT: std::ops::Range<u64> = 20..1500;
/// The duration of some: longer than the group's session time-out, the poll interval and the
/// store's patience.
const LONG: std::ops::Range<u64> = 4000..7000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// SIGKILL a daemon and restart it
    Kill,
    /// SIGTERM a daemon and restart it
    Terminate,
    /// SIGSTOP a daemon, sometimes until it loses its partitions, then SIGCONT
    Freeze,
    /// Start one more daemon
    Join,
    /// Stop one daemon
    Leave,
    /// Give every daemon another version of the transform
    Swap,
    /// Use a version that leaks a MiB for each record, then a good one again
    Leak,
    /// SIGKILL Redis and restart it with all its data
    RedisKill,
    /// SIGSTOP Redis, then SIGCONT
    RedisFreeze,
    /// SIGKILL Redis and restart it without its last writes
    RedisRewind,
    /// Redis refuses writes because it is out of memory
    RedisFull,
    /// Redis forbids one command that a transaction needs
    RedisForbid,
    /// Redis forbids all pub/sub channels
    RedisMute,
    /// Close the connections to Redis; new ones work at once
    RedisCut,
    /// No data passes to or from Redis
    RedisStall,
    /// Redis executes commands, but its answers are lost
    RedisDeaf,
    /// SIGKILL Kafka and restart it
    KafkaKill,
    /// SIGSTOP Kafka, then SIGCONT
    KafkaFreeze,
    /// Close the connections to Kafka; new ones work at once
    KafkaCut,
    /// No data passes to or from Kafka
    KafkaStall,
    /// Kafka executes requests, but its answers are lost
    KafkaDeaf,
}

/// The target of a fault. Two faults at once have two targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Instance(usize),
    Plugins,
    Redis,
    RedisLink,
    Kafka,
    KafkaLink,
}

#[derive(Clone, Debug)]
pub struct Fault {
    pub kind: Kind,
    pub target: Target,
    /// From its start to its end.
    pub hold: Duration,
}

/// One fault, or two at once.
#[derive(Clone, Debug)]
pub struct Step {
    /// The share of the step's records to store before the fault.
    pub after: f64,
    pub faults: Vec<Fault>,
}

/// `count` faults of these kinds for `instances` daemons, and one more that is stopped at first.
pub fn plan(seed: u64, count: usize, instances: usize, kinds: &[Kind]) -> Vec<Step> {
    let mut planner = Planner {
        random: Rng::with_seed(seed),
        kinds: kinds.to_vec(),
        deck: Vec::new(),
        up: (0..=instances).map(|slot| slot < instances).collect(),
    };
    let mut steps = Vec::new();
    let mut left = count;
    while left > 0 {
        let step = planner.step(left);
        left -= step.faults.len();
        steps.push(step);
    }
    steps
}

struct Planner {
    random: Rng,
    kinds: Vec<Kind>,
    /// Kinds are drawn without replacement, so that each occurs in a short run too.
    deck: Vec<Kind>,
    /// Which daemons will be running.
    up: Vec<bool>,
}

impl Planner {
    fn step(&mut self, most: usize) -> Step {
        let first = self.fault(None).expect("alone, every fault has a target");
        let two = most > 1 && self.random.u8(..5) == 0;
        let second = two.then(|| self.fault(Some(first.target))).flatten();
        Step {
            after: self.random.f64(),
            faults: [Some(first), second].into_iter().flatten().collect(),
        }
    }

    fn fault(&mut self, besides: Option<Target>) -> Option<Fault> {
        if self.deck.is_empty() {
            self.deck.clone_from(&self.kinds);
            // The kind that rarely reveals anything is in the deck twice.
            let freeze = self.kinds.iter().filter(|kind| **kind == Kind::Freeze);
            self.deck.extend(freeze);
            self.random.shuffle(&mut self.deck);
        }
        let card = self.deck.pop()?;
        let (kind, target) = self.aim(card)?;
        // Only a long fault shows what a daemon does after another one has its partitions.
        let long = self.random.u8(..if kind == Kind::Freeze { 2 } else { 5 }) == 0;
        let hold = self.random.u64(if long { LONG } else { SHORT });
        if besides == Some(target) {
            return None;
        }
        if let (Kind::Join | Kind::Leave, Target::Instance(slot)) = (kind, target) {
            self.up[slot] = kind == Kind::Join;
        }
        let hold = Duration::from_millis(hold);
        Some(Fault { kind, target, hold })
    }

    /// If all daemons run, none can join; the last one can't leave. Take the opposite kind.
    fn aim(&mut self, kind: Kind) -> Option<(Kind, Target)> {
        let running = self.up.iter().filter(|up| **up).count();
        let kind = match kind {
            Kind::Join if running == self.up.len() => Kind::Leave,
            Kind::Leave if running == 1 => Kind::Join,
            kind => kind,
        };
        let target = match kind {
            Kind::Kill | Kind::Terminate | Kind::Freeze | Kind::Leave => self.instance(true)?,
            Kind::Join => self.instance(false)?,
            Kind::Swap | Kind::Leak => Target::Plugins,
            Kind::RedisKill
            | Kind::RedisFreeze
            | Kind::RedisRewind
            | Kind::RedisFull
            | Kind::RedisForbid
            | Kind::RedisMute => Target::Redis,
            Kind::RedisCut | Kind::RedisStall | Kind::RedisDeaf => Target::RedisLink,
            Kind::KafkaKill | Kind::KafkaFreeze => Target::Kafka,
            Kind::KafkaCut | Kind::KafkaStall | Kind::KafkaDeaf => Target::KafkaLink,
        };
        Some((kind, target))
    }

    fn instance(&mut self, up: bool) -> Option<Target> {
        let slots: Vec<usize> = (0..self.up.len())
            .filter(|slot| self.up[*slot] == up)
            .collect();
        self.random.choice(slots).map(Target::Instance)
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let value = clap::ValueEnum::to_possible_value(self);
        f.write_str(value.as_ref().map_or("?", |value| value.get_name()))
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Fault { kind, target, hold } = self;
        write!(f, "{kind}")?;
        if let Target::Instance(slot) = target {
            write!(f, " of daemon {slot}")?;
        }
        match kind {
            Kind::Join | Kind::Leave | Kind::Swap => Ok(()), // permanent
            _ => write!(f, " for {hold:?}"),
        }
    }
}
