use super::{Run, SHORT_SESSIONS};
use millstream_tests::{Daemon, servers};

/// `road::shared` covers the plain case: one joins, one leaves.
#[test]
fn instances_that_join_leave_die_and_freeze_under_load_lose_and_duplicate_nothing() {
    let run = Run::new(&servers().kafka, "instances", 8);
    let config = run.config(SHORT_SESSIONS);
    let join = || Daemon::builder(&config).start();
    let last = run.under_load(|| {
        let first = join();
        run.advance(100);
        let second = join(); // takes half of the partitions while batches run
        run.advance(100);
        first.kill();
        run.advance(100); // after its session has expired
        let third = join();
        let fourth = join(); // while the third joins
        run.advance(100);
        second.pause();
        run.advance(100); // the others have its partitions
        assert_eq!(third.terminate(), Some(0));
        second.resume(); // during a rebalance
        run.advance(100);
        let fifth = join();
        fourth.kill();
        run.advance(100);
        fifth.pause();
        assert_eq!(second.terminate(), Some(0)); // no daemon runs now
        let sixth = join();
        run.advance(100);
        fifth.resume();
        run.advance(100);
        sixth.kill();
        run.advance(100);
        fifth
    });
    run.end(&[last]);
    run.check();
}
