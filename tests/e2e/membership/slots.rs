use super::{LONG, SOON, all_partitions_work, id, wait_members, wait_shared, with_state};
use crate::kafka_faults::{Run, SHORT_SESSIONS};
use millstream_tests::{Daemon, scratch_dir, servers, wait_until};
use std::fs;

#[test]
fn a_copy_of_the_state_folder_gives_another_id() {
    let run = Run::new(&servers().kafka, "cloned", 4);
    let [state, copy] = ["state", "copy"].map(scratch_dir);
    let first = with_state(&run, &state).start();
    first.wait_ready(LONG);
    fs::create_dir(copy.join("millstream")).unwrap();
    let mut copied = 0;
    for file in fs::read_dir(state.join("millstream")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.join("millstream").join(file.file_name())).unwrap();
        copied += 1;
    }
    assert_eq!(copied, 1);
    let second = with_state(&run, &copy).start();
    wait_shared([&first, &second]);
    all_partitions_work(&run);
    wait_members(&first, &run, &[id(&first), id(&second)].into());
    run.end(&[first, second]);
    run.check();
}

#[test]
fn a_frozen_daemon_keeps_its_slot() {
    let run = Run::new(&servers().kafka, "frozen-slot", 4);
    let state = scratch_dir("state");
    let start = || {
        let builder = Daemon::builder(&run.config(SHORT_SESSIONS));
        builder
            .env("XDG_STATE_HOME", state.to_str().unwrap())
            .start()
    };
    let first = start();
    first.wait_ready(LONG);
    all_partitions_work(&run);
    first.pause();
    let second = start();
    assert_ne!(id(&second), id(&first));
    all_partitions_work(&run); // when the session of the first has ended
    first.resume();
    wait_until("both have partitions", LONG, || {
        let assigned = |daemon: &Daemon| {
            let lines = daemon.log().lines();
            let at = |text| lines.iter().rposition(|line| line.contains(text));
            at("assigned") > at("lost partitions")
        };
        (first.log_contains("lost partitions") && assigned(&first)).then_some(())
    });
    all_partitions_work(&run);
    wait_members(&second, &run, &[id(&first), id(&second)].into());
    run.end(&[first, second]);
    run.check();
}

/// A rolling upgrade on one host.
#[test]
fn each_new_daemon_beside_an_old_one_takes_over_and_nothing_is_lost_or_doubled() {
    let run = Run::new(&servers().kafka, "rolled", 4);
    let state = scratch_dir("state");
    let start = || {
        let daemon = with_state(&run, &state).start();
        daemon.wait_ready(LONG);
        daemon
    };
    let mut old = start();
    run.under_load(|| {
        for _ in 0..3 {
            run.advance_within(50, SOON);
            let new = start();
            run.advance_within(50, SOON);
            assert_eq!(old.terminate_within(SOON), Some(0));
            run.advance_within(50, SOON);
            old = new;
        }
    });
    run.end(&[old]);
    run.check();
}
