use super::{GRACE, Run};
use millstream_tests::{Daemon, servers};

#[test]
fn sigterm_under_full_load_ends_in_time_and_the_next_run_continues_exactly() {
    let run = Run::new(&servers().kafka, "terminated", 6);
    let mut daemon = Daemon::builder(&run.config(&[])).start();
    run.under_load(|| {
        for round in 1..=5 {
            run.advance(300);
            let began = std::time::Instant::now();
            assert_eq!(daemon.terminate_within(GRACE), Some(0));
            println!(
                "{round}: {:?}, {} records wait",
                began.elapsed(),
                run.waiting()
            );
            assert!(run.waiting() > 0, "it was under load");
            daemon.restart();
        }
    });
    run.wait_all();
    assert_eq!(daemon.terminate_within(GRACE), Some(0));
    run.check();
}
