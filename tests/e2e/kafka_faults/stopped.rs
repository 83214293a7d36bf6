use super::{LONG, Run, SHORT_SESSIONS};
use millstream_tests::{Daemon, Link, metrics, servers, wait_until};

const LOST: &str = "partitions were lost to the group";

/// Also what it had sent to Redis just before arrives late: when another has written on.
#[test]
fn a_daemon_stopped_past_its_poll_interval_writes_nothing_that_another_has_written() {
    let run = Run::new(&servers().kafka, "stopped", 4);
    let redis = servers().redis.url();
    let link = Link::to(redis.trim_start_matches("redis://"));
    let through_link = format!("redis://{}", link.addr());
    let first = Daemon::builder(&run.config_for(&through_link, SHORT_SESSIONS)).start();
    let times_lost = || {
        let lines = first.log().lines();
        lines.iter().filter(|line| line.contains(LOST)).count()
    };
    run.under_load(|| {
        for round in 1..=4 {
            run.advance(200);
            link.stall();
            first.pause();
            let second = Daemon::builder(&run.config(SHORT_SESSIONS)).start();
            run.advance(200); // of every partition: it has them all
            link.open();
            let lost = times_lost();
            first.resume();
            wait_until("the first one knows that it lost them", LONG, || {
                (times_lost() > lost).then_some(())
            });
            run.advance(200);
            let refused = metrics(&first.admin()).sum("millstream_store_conflicts_total", &[]);
            println!("round {round}: {refused} late writes refused so far");
            assert_eq!(second.terminate(), Some(0));
        }
    });
    run.end(&[first]);
    run.check();
}
