//! Partitions that Kafka can't answer for while the daemon looks for their starts.

use super::{LONG, Run};
use millstream_tests::{
    Daemon, Link, config, create_topic, delete_topic, get, produce, servers, streams, unique,
    wait_until,
};

fn ready(daemon: &Daemon) -> String {
    get(&daemon.admin(), "/readyz").text()
}

#[test]
fn partitions_whose_only_broker_is_down_block_no_others_and_start_when_it_returns() {
    const PARTITIONS: i32 = 6;
    let cluster = servers().own_cluster();
    let run = Run::uncopied(&cluster.nodes[0], "unled", PARTITIONS);
    run.produce(600);
    let down = cluster.leader(&run.topic, 0, None);
    let led_by_it =
        |partition: &i32| std::ptr::eq(cluster.leader(&run.topic, *partition, None), down);
    let dead: Vec<i32> = (0..PARTITIONS).filter(led_by_it).collect();
    down.kill();
    let daemon = Daemon::builder(&run.config(&[])).start();
    run.wait_passed("the others are read", LONG, |partition, passed| {
        passed == 100 || dead.contains(&(partition as i32))
    });
    let said = wait_until("the daemon reports it", LONG, || {
        Some(ready(&daemon)).filter(|said| said.contains("can't start reading"))
    });
    println!("{dead:?} of {PARTITIONS} are dead: {said}");
    down.start();
    run.wait_all();
    daemon.wait_ready(LONG);
    run.end(&[daemon]);
    run.check();
}

#[test]
fn a_topic_deleted_while_starts_are_found_does_not_block_others() {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (gone, there) = (create_topic("a-gone", 2), create_topic("b-there", 2));
    let prefix = unique("gone");
    for topic in [&gone, &there] {
        produce(
            topic,
            (0..20).map(|number| super::run::message(number, number as i32 % 2)),
        );
    }
    let link = Link::to(&redis.addr());
    link.cut();
    let url = format!("redis://{}", link.addr());
    let topics = format!("{gone}\", \"{there}");
    let rest = "name = \"two\"\ntransform = { plugin = \"bundled:notifications\" }";
    let daemon = Daemon::builder(&config(&kafka.bootstrap(), &url, &topics, &prefix, rest)).start();
    wait_until("the daemon waits for the store", LONG, || {
        let said = ready(&daemon);
        let joined = !said.contains("consumer group") && said.contains("pipeline two");
        joined.then_some(())
    });
    delete_topic(&gone);
    link.open();
    wait_until("the other topic is read", LONG, || {
        let all: Vec<_> = streams(&prefix).into_values().flatten().collect();
        let of = all.iter().filter(|entry| entry.source.starts_with(&there));
        (of.count() == 20).then_some(())
    });
    daemon.wait_ready(LONG);
}
