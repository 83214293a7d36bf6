use super::{LONG, Run, SHORT_SESSIONS};
use millstream_tests::{Daemon, Link, metrics, servers, wait_until};

const LOST: &str = "lost partitions: the consumer group reassigned them";
/// Transactions that were in flight when it was paused: Redis got them after the other daemon's.
const LATE: &str = "millstream_store_conflicts_total";

/// Includes what it had sent to Redis just before, and what arrives after another daemon has
/// written.
#[test]
fn a_daemon_paused_past_its_poll_interval_writes_nothing_that_another_has_written() {
    let run = Run::new(&servers().kafka, "stopped", 4);
    let redis = servers().redis.url();
    let link = Link::to(redis.trim_start_matches("redis://"));
    let through_link = format!("redis://{}", link.addr());
    let first = Daemon::builder(&run.config_for(&through_link, SHORT_SESSIONS)).start();
    let times = |said: &str| {
        let lines = first.log().lines();
        lines.iter().filter(|line| line.contains(said)).count()
    };
    let late = || metrics(&first.admin()).sum(LATE, &[]);
    let mut round = 0;
    run.under_load(|| {
        while round < 4 || late() < 1.0 {
            round += 1;
            assert!(round < 20, "no transaction was in flight");
            run.advance(200);
            link.stall();
            wait_stuck(&first); // what it sends stays in the link
            first.pause();
            let second = Daemon::builder(&run.config(SHORT_SESSIONS)).start();
            run.advance(200); // of every partition: it owns them all
            link.open();
            let lost = times(LOST);
            first.resume();
            wait_until(
                "the first daemon knows that it lost the partitions",
                LONG,
                || (times(LOST) > lost).then_some(()),
            );
            run.advance(200);
            assert_eq!(second.terminate(), Some(0));
        }
    });
    println!("{round} rounds, {} transactions in flight", late());
    run.end(&[first]);
    run.check();
}

/// Waits until it makes no more batches because earlier ones wait for Redis.
fn wait_stuck(daemon: &Daemon) {
    let (mut last, mut same) = (-1.0, 0);
    wait_until("the daemon is stuck", LONG, || {
        let made = metrics(&daemon.admin()).sum("millstream_batches_total", &[]);
        same = if made > last { 0 } else { same + 1 };
        last = made;
        (same == 10).then_some(())
    });
}
