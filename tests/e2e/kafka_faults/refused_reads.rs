use super::{LONG, Run};
use millstream_tests::{Daemon, servers, wait_until};
use std::time::{Duration, Instant};

/// librdkafka gives such an error the offset of the next record, and counts it as read.
#[test]
fn no_record_is_passed_over_because_reading_was_refused() {
    let kafka = servers().own_kafka_with_rules();
    let run = Run::new(&kafka, "refused", 4);
    let reading = |how: &[&str]| {
        let who = ["--deny-principal", "User:*"];
        let what = ["--operation", "Read", "--topic", &run.topic];
        kafka.acl(&[how, &who, &what].concat());
    };
    let daemon = Daemon::ready(&run.config(&[]));
    run.produce(2000);
    run.wait_all();
    reading(&["--add"]);
    daemon.wait_log("can't read from Kafka", LONG);
    // Long enough for an idle partition to take librdkafka's position for its own.
    let refused = Instant::now();
    wait_until("some seconds pass", LONG, || {
        (refused.elapsed() > Duration::from_secs(8)).then_some(())
    });
    assert_eq!(run.waiting(), 0, "the ledger is beyond the records");
    reading(&["--remove", "--force"]);
    run.produce(2000);
    run.end(&[daemon]);
    run.check();
}
