//! How each fault is injected and removed.

use crate::instance::Instance;
use crate::plan::{Fault, Kind, Target};
use crate::world::World;
use millstream_tests::{Daemon, Redis};
use std::thread;
use std::time::Duration;

/// The commands of a daemon's transaction.
const IN_A_TRANSACTION: [&str; 8] = [
    "watch", "hmget", "time", "multi", "xadd", "publish", "hset", "exec",
];

/// A fault lasts as long as the plan says, so this is a plain sleep.
fn last(hold: Duration) {
    thread::sleep(hold);
}

/// Injects the fault and removes it.
pub fn inflict(world: &World, fault: &Fault) {
    world.journal.note(&fault.to_string());
    match fault.target {
        Target::Instance(slot) => hit_daemon(world, &mut world.instance(slot), fault),
        Target::Plugins => swap(world, fault),
        Target::Redis => hit_redis(world, fault),
        Target::Kafka => hit_kafka(world, fault),
        Target::RedisLink | Target::KafkaLink => hit_link(world, fault),
    }
    world.journal.note(&format!("  over: {fault}"));
}

fn hit_daemon(world: &World, instance: &mut Instance, fault: &Fault) {
    match fault.kind {
        Kind::Kill => instance.kill(),
        Kind::Terminate | Kind::Leave => instance.terminate(),
        Kind::Freeze => instance.running().into_iter().for_each(Daemon::pause),
        _ => {}
    }
    if fault.kind != Kind::Join && fault.kind != Kind::Leave {
        last(fault.hold);
    }
    match fault.kind {
        Kind::Freeze => instance.running().into_iter().for_each(Daemon::resume),
        Kind::Leave => {}
        _ => instance.start(world.version()),
    }
}

fn swap(world: &World, fault: &Fault) {
    let save = |version| {
        world
            .instances()
            .for_each(|instance| instance.swap(version));
    };
    if fault.kind == Kind::Leak {
        save(world.leaking());
        last(fault.hold);
    }
    save(world.next_version());
}

fn hit_redis(world: &World, fault: &Fault) {
    let redis = &world.redis;
    match fault.kind {
        Kind::RedisKill => {
            redis.kill();
            last(fault.hold);
            redis.start();
        }
        Kind::RedisFreeze => {
            redis.pause();
            last(fault.hold);
            redis.resume();
        }
        Kind::RedisFull => {
            limit_memory(redis, "1");
            last(fault.hold);
            limit_memory(redis, "0");
        }
        Kind::RedisForbid => {
            let command =
                IN_A_TRANSACTION[fault.hold.as_millis() as usize % IN_A_TRANSACTION.len()];
            world.journal.note(&format!("  forbidden: {command}"));
            everyone(redis, &format!("-{command}"));
            last(fault.hold);
            everyone(redis, &format!("+{command}"));
        }
        Kind::RedisMute => {
            everyone(redis, "resetchannels");
            last(fault.hold);
            everyone(redis, "allchannels");
        }
        _ => {
            let mark = redis.mark();
            last(fault.hold);
            redis.rewind(mark);
        }
    }
}

/// The permissions of every Redis user.
fn everyone(redis: &Redis, rule: &str) {
    redis.order(&["ACL", "SETUSER", "default", rule]);
}

/// In bytes; 0 means no limit.
fn limit_memory(redis: &Redis, most: &str) {
    let mut set = redis::cmd("CONFIG");
    set.arg("SET").arg("maxmemory").arg(most);
    set.exec(&mut redis.connect()).unwrap();
}

fn hit_kafka(world: &World, fault: &Fault) {
    let kafka = &world.kafka;
    if fault.kind == Kind::KafkaKill {
        kafka.kill();
        last(fault.hold);
        kafka.start();
    } else {
        kafka.pause();
        last(fault.hold);
        kafka.resume();
    }
}

fn hit_link(world: &World, fault: &Fault) {
    let link = match fault.target {
        Target::RedisLink => &world.redis_link,
        _ => &world.kafka_link,
    };
    match fault.kind {
        Kind::RedisCut | Kind::KafkaCut => link.cut(),
        Kind::RedisStall | Kind::KafkaStall => link.stall(),
        _ => link.lose_answers(),
    }
    last(fault.hold);
    if let Kind::RedisDeaf | Kind::KafkaDeaf = fault.kind {
        link.cut(); // the remaining connections are out of step
    }
    link.open();
}
