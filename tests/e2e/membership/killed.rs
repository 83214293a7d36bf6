use super::{LONG, SESSIONS, SOON, all_partitions_work, id, wait_members, wait_shared, with_state};
use crate::kafka_faults::{Run, SHORT_SESSIONS};
use millstream_tests::{Daemon, scratch_dir, servers};

#[test]
fn a_killed_daemon_continues_as_the_same_member_before_its_session_ends() {
    let run = Run::new(&servers().kafka, "again", 4);
    let mut daemon = Daemon::ready(&run.config(SESSIONS));
    all_partitions_work(&run);
    let before = id(&daemon);
    for _ in 0..3 {
        daemon.kill();
        run.produce(400);
        daemon.restart();
        run.wait_all_within(SOON);
        assert_eq!(id(&daemon), before);
    }
    run.end(&[daemon]);
    run.check();
}

#[test]
fn the_other_daemon_keeps_its_partitions_while_one_is_killed_and_restarts() {
    let run = Run::new(&servers().kafka, "beside", 4);
    let state = scratch_dir("state");
    let mut killed = with_state(&run, &state).start();
    killed.wait_ready(LONG);
    let other = with_state(&run, &state).start();
    wait_shared([&killed, &other]);
    all_partitions_work(&run);
    let moves = || {
        let lines = other.log().lines();
        let moved = |line: &&String| line.contains("assigned") || line.contains("revoked");
        lines.iter().filter(moved).count()
    };
    let (ids, before) = ([id(&killed), id(&other)], moves());
    assert_ne!(ids[0], ids[1]);
    run.under_load(|| {
        killed.kill();
        killed.restart();
        run.advance_within(50, SOON);
    });
    assert_eq!(id(&killed), ids[0]);
    assert_eq!(moves(), before, "no partition of the other daemon moved");
    wait_members(&other, &run, &ids.into());
    run.end(&[killed, other]);
    run.check();
}

#[test]
fn killed_daemons_of_one_state_folder_restart_in_any_order() {
    let run = Run::new(&servers().kafka, "order", 4);
    let state = scratch_dir("state");
    let mut first = with_state(&run, &state).start();
    first.wait_ready(LONG);
    let mut second = with_state(&run, &state).start();
    wait_shared([&first, &second]);
    all_partitions_work(&run);
    let ids = [id(&first), id(&second)];
    first.kill();
    second.kill();
    run.produce(400);
    second.restart();
    assert_eq!(id(&second), ids[0], "the first free slot");
    first.restart();
    assert_eq!(id(&first), ids[1]);
    run.wait_all_within(SOON);
    wait_members(&first, &run, &ids.into());
    run.end(&[first, second]);
    run.check();
}

/// It was the leader of its group. The coordinator does not tell the new process so, and another
/// must notice new partitions.
#[test]
fn a_restarted_daemon_gets_partitions_that_are_added_later() {
    let run = Run::new(&servers().kafka, "grown", 2);
    let refresh = ("topic.metadata.refresh.interval.ms", "500");
    let mut daemon = Daemon::ready(&run.config(&[SESSIONS[0], refresh]));
    all_partitions_work(&run);
    daemon.kill();
    daemon.restart();
    all_partitions_work(&run);
    run.add_partitions(4);
    all_partitions_work(&run);
    run.end(&[daemon]);
    run.check();
}

/// The coordinator would answer the same member with its old assignment, and nobody would assign
/// the new partitions.
#[test]
fn a_daemon_gets_partitions_that_are_added_while_it_is_dead() {
    let run = Run::new(&servers().kafka, "grown-meanwhile", 2);
    let mut daemon = Daemon::ready(&run.config(SHORT_SESSIONS));
    all_partitions_work(&run);
    daemon.kill();
    run.add_partitions(4);
    daemon.restart();
    all_partitions_work(&run);
    run.end(&[daemon]);
    run.check();
}
