use super::Run;
use millstream_tests::{Daemon, servers};
use std::time::Instant;

#[test]
fn records_in_partitions_added_while_it_runs_are_delivered() {
    let run = Run::new(&servers().kafka, "added", 2);
    // By default librdkafka looks for new partitions every 30 s.
    let daemon = Daemon::ready(&run.config(&[("topic.metadata.refresh.interval.ms", "500")]));
    run.produce(1000);
    run.wait_all();
    for partitions in [5, 6] {
        run.add_partitions(partitions);
        let began = Instant::now();
        run.produce(1000); // most likely before the daemon knows the partitions
        run.wait_all();
        println!(
            "{partitions} partitions: delivered after {:?}",
            began.elapsed()
        );
    }
    run.end(&[daemon]);
    run.check();
}
