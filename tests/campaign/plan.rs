//! Which faults there will be. A function of the seed alone; what they meet is not.

use fastrand::Rng;
use std::fmt::{Display, Formatter, Result};
use std::time::Duration;

/// How long most faults last, in milliseconds.
const SHORT: std::ops::Range<u64> = 20..1500;
/// And some: past the group's session, the longest time between polls, the store's patience.
const LONG: std::ops::Range<u64> = 4000..7000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// SIGKILL a daemon, and start it again
    Kill,
    /// SIGTERM a daemon, and start it again
    Terminate,
    /// SIGSTOP a daemon, sometimes until its partitions are another's, then SIGCONT
    Freeze,
    /// One daemon more
    Join,
    /// One daemon less
    Leave,
    /// Another version of the transform for every daemon
    Swap,
    /// A version that never frees a MiB for each record, then a good one again
    Leak,
    /// SIGKILL Redis, and start it again with all it had
    RedisKill,
    /// SIGSTOP Redis, then SIGCONT
    RedisFreeze,
    /// SIGKILL Redis, and start it again without its last writes
    RedisRewind,
    /// Redis refuses writes, for want of memory
    RedisFull,
    /// Redis forbids one command that a transaction needs
    RedisForbid,
    /// Redis forbids all channels
    RedisMute,
    /// The connections to Redis end, new ones at once
    RedisCut,
    /// Nothing passes to or from Redis
    RedisStall,
    /// Redis hears and does, its answers are lost
    RedisDeaf,
    /// SIGKILL Kafka, and start it again
    KafkaKill,
    /// SIGSTOP Kafka, then SIGCONT
    KafkaFreeze,
    /// The connections to Kafka end, new ones at once
    KafkaCut,
    /// Nothing passes to or from Kafka
    KafkaStall,
    /// Kafka hears and does, its answers are lost
    KafkaDeaf,
}

/// Whom a fault hits. Two faults at once hit two of them.
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
    /// From its beginning to its end.
    pub hold: Duration,
}

/// One fault, or two at once.
#[derive(Clone, Debug)]
pub struct Step {
    /// How much of the step's records are stored before it comes.
    pub after: f64,
    pub faults: Vec<Fault>,
}

/// `count` faults of these kinds for `instances` daemons, and one more that is down at first.
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
    /// Kinds are dealt like cards, so that each comes up in a short run too.
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
            // The one that needs luck to show anything comes twice.
            let freeze = self.kinds.iter().filter(|kind| **kind == Kind::Freeze);
            self.deck.extend(freeze);
            self.random.shuffle(&mut self.deck);
        }
        let card = self.deck.pop()?;
        let (kind, target) = self.aim(card)?;
        // What a daemon does with partitions that are another's by now shows in no short one.
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

    /// Where everyone is there nobody can join, and the last one can't leave: the other way round.
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
            Kind::Join | Kind::Leave | Kind::Swap => Ok(()), // once and for all
            _ => write!(f, " for {hold:?}"),
        }
    }
}
