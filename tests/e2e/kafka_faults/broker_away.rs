use super::{LONG, Run, SHORT_SESSIONS};
use millstream_tests::{Daemon, Kafka, metrics, servers};

#[test]
fn a_dead_broker_makes_the_daemon_unready_and_loses_nothing() {
    goes_and_returns("dead", Kafka::kill, Kafka::start);
}

#[test]
fn a_frozen_broker_makes_the_daemon_unready_and_loses_nothing() {
    goes_and_returns("frozen", Kafka::pause, Kafka::resume);
}

fn goes_and_returns(name: &str, goes: fn(&Kafka), returns: fn(&Kafka)) {
    let kafka = servers().own_kafka(&[]);
    let run = Run::new(&kafka, name, 4);
    let daemon = Daemon::ready(&run.config(SHORT_SESSIONS));
    for round in 1..=3 {
        run.produce(5000);
        goes(&kafka);
        let began = std::time::Instant::now();
        // It has left the group, or was querying the partitions' watermarks.
        let why = daemon.wait_not_ready(&["pipeline run: "], LONG);
        let told = began.elapsed();
        returns(&kafka);
        let began = std::time::Instant::now();
        daemon.wait_ready(LONG);
        run.produce(100);
        run.wait_all();
        println!(
            "{name} {round}: reported after {told:?} ({}), all stored {:?} after its return",
            why.trim(),
            began.elapsed()
        );
    }
    let failures = metrics(&daemon.admin()).sum("millstream_failures_total", &[]);
    assert_eq!(failures, 0.0);
    run.end(&[daemon]);
    run.check();
}
