use super::{Run, SHORT_SESSIONS};
use millstream_tests::{Daemon, servers};

/// `road::shared` has the plain case: one joins, one leaves.
#[test]
fn instances_that_join_leave_die_and_freeze_under_load_lose_and_duplicate_nothing() {
    let run = Run::new(&servers().kafka, "instances", 8);
    let config = run.config(SHORT_SESSIONS);
    let join = || Daemon::builder(&config).start();
    let last = run.under_load(|| {
        let first = join();
        run.advance(100);
        let second = join(); // takes a half in the midst of batches
        run.advance(100);
        first.kill();
        run.advance(100); // once its session is over
        let third = join();
        let fourth = join(); // while the third is being taken in
        run.advance(100);
        second.pause();
        run.advance(100); // the others have its partitions
        assert_eq!(third.terminate(), Some(0));
        second.resume(); // while partitions are handed over
        run.advance(100);
        let fifth = join();
        fourth.kill();
        run.advance(100);
        fifth.pause();
        assert_eq!(second.terminate(), Some(0)); // nobody runs
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
