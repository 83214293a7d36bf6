use super::{GRACE, LONG, Run};
use millstream_tests::{Daemon, Kafka, Message, metrics, servers, streams, wait_until};
use std::time::Instant;

#[test]
fn sigterm_while_the_coordinator_is_dead_ends_in_time() {
    let kafka = servers().own_kafka(&[]);
    let run = Run::new(&kafka, "dead", 4);
    run.produce(60_000);
    ends_in_time(&run, Kafka::kill, Kafka::start, |_| {});
}

#[test]
fn sigterm_while_the_coordinator_is_frozen_ends_in_time() {
    let kafka = servers().own_kafka(&[]);
    let run = Run::new(&kafka, "frozen", 4);
    run.produce(60_000);
    ends_in_time(&run, Kafka::pause, Kafka::resume, |_| {});
}

/// The ledger waits for a dead letter, and the letter for Kafka.
#[test]
fn sigterm_while_a_letter_waits_for_a_dead_broker_ends_in_time() {
    let kafka = servers().own_kafka(&[]);
    let run = Run::new(&kafka, "letter", 4);
    run.produce(16_000);
    // Each partition soon reaches a malformed record that it has already fetched.
    let malformed = |partition| Message::new("{").key("nobody").partition(partition);
    kafka.produce(&run.topic, (0..4).map(malformed));
    run.produce(16_000);
    ends_in_time(&run, Kafka::kill, Kafka::start, |daemon| {
        wait_until("a letter is in flight", LONG, || {
            let letters = metrics(&daemon.admin()).sum("millstream_failures_total", &[]);
            (letters > 0.0).then_some(())
        });
    });
}

fn ends_in_time(run: &Run<'_>, goes: fn(&Kafka), returns: fn(&Kafka), meanwhile: impl Fn(&Daemon)) {
    let mut daemon = Daemon::builder(&run.config(&[])).start();
    run.advance(100);
    goes(run.kafka);
    meanwhile(&daemon);
    let began = Instant::now();
    assert_eq!(daemon.terminate_within(GRACE), Some(0));
    let (took, waiting) = (began.elapsed(), run.waiting());
    println!("{}: ended in {took:?}, {waiting} records wait", run.topic);
    assert!(waiting > 0, "it was under load");
    let left = streams(&run.prefix);
    returns(run.kafka);
    run.produce(1000);
    assert_eq!(
        streams(&run.prefix),
        left,
        "nothing is written after the exit"
    );
    daemon.restart();
    run.wait_all();
    assert_eq!(daemon.terminate_within(GRACE), Some(0));
    run.check();
}
