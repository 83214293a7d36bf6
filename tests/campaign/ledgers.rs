//! The daemons' progress, read from Redis directly.

use crate::record::PARTITIONS;
use crate::world::World;
use millstream_tests::wait_until;
use redis::{Connection, RedisResult};
use std::time::{Duration, Instant};

/// After this long without progress, there will be none.
const PATIENCE: Duration = Duration::from_secs(120);
const FOREVER: Duration = Duration::from_secs(24 * 3600);

pub struct Ledgers<'a> {
    world: &'a World,
    key: String,
}

impl<'a> Ledgers<'a> {
    pub fn of(world: &'a World) -> Self {
        let key = world.key("ledger");
        Ledgers { world, key }
    }

    /// Waits until each partition has a ledger. If Redis loses its last writes before that, it
    /// loses whole ledgers, which daemons don't repair by themselves.
    pub fn wait_for_all(&self) {
        let mut redis = self.world.redis.connect();
        wait_until("every partition has a ledger", PATIENCE, || {
            let read = self.read(&mut redis).unwrap();
            read.iter().all(Option::is_some).then_some(())
        });
    }

    /// Waits until `share` of `records` more are processed, but not for long: it only chooses the
    /// moment for a fault.
    pub fn wait_for_progress(&self, records: u32, share: f64) {
        let mut redis = self.world.redis.connect();
        let done = |read: RedisResult<Vec<Option<i64>>>| sum(&read.unwrap());
        let goal = done(self.read(&mut redis)) + (f64::from(records) * share) as i64;
        let end = Instant::now() + Duration::from_secs(3);
        wait_until("a moment for a fault", FOREVER, || {
            let reached = done(self.read(&mut redis)) >= goal;
            (reached || Instant::now() > end).then_some(())
        });
    }

    /// Waits until all ledgers reach the end of their partitions.
    ///
    /// # Errors
    /// The offset of each ledger, if progress stops.
    pub fn wait_for_ends(&self) -> Result<(), String> {
        let ends = self.world.kafka.ends(&self.world.topic);
        let ends: Vec<i64> = ends.into_values().collect();
        let mut redis = self.world.redis.connect();
        let mut last = (0, Instant::now());
        wait_until("every record is processed", FOREVER, || {
            let read = self.read(&mut redis).unwrap();
            let done = sum(&read);
            if done != last.0 {
                last = (done, Instant::now());
            }
            match read
                .iter()
                .zip(&ends)
                .all(|(next, end)| *next == Some(*end))
            {
                true => Some(Ok(())),
                false => (last.1.elapsed() > PATIENCE).then(|| Err(self.state(&read, &ends))),
            }
        })
    }

    fn state(&self, read: &[Option<i64>], ends: &[i64]) -> String {
        let mut state = format!("no progress in {} s\n", PATIENCE.as_secs());
        for (partition, (next, end)) in read.iter().zip(ends).enumerate() {
            state += &format!("partition {partition}: ledger {next:?}, end {end}\n");
        }
        for instance in self.world.instances() {
            state += &format!("{}\n", instance.readiness().trim_end());
        }
        state
    }

    fn read(&self, redis: &mut Connection) -> RedisResult<Vec<Option<i64>>> {
        let mut pipe = redis::pipe();
        for partition in 0..PARTITIONS {
            pipe.cmd("HGET")
                .arg(format!("{}{partition}", self.key))
                .arg("next");
        }
        pipe.query(redis)
    }
}

fn sum(read: &[Option<i64>]) -> i64 {
    read.iter().flatten().sum()
}
