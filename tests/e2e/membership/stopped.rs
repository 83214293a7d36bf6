use super::{LONG, SESSIONS, SOON, all_partitions_work, id, members, wait_members, wait_shared};
use crate::kafka_faults::Run;
use millstream_tests::{Daemon, servers};

#[test]
fn a_stopped_daemon_leaves_and_the_other_has_all_partitions_soon() {
    let run = Run::new(&servers().kafka, "left", 4);
    let first = Daemon::ready(&run.config(SESSIONS));
    let second = Daemon::builder(&run.config(SESSIONS)).start();
    wait_shared([&first, &second]);
    all_partitions_work(&run);
    wait_members(&second, &run, &[id(&first), id(&second)].into());
    run.under_load(|| {
        assert_eq!(first.terminate(), Some(0));
        run.advance_within(50, SOON);
    });
    wait_members(&second, &run, &[id(&second)].into());
    run.end(&[second]);
    run.check();
}

#[test]
fn the_last_daemon_leaves_an_empty_group() {
    let run = Run::new(&servers().kafka, "emptied", 4);
    let daemon = Daemon::ready(&run.config(SESSIONS));
    all_partitions_work(&run);
    run.end(&[daemon]);
    let unstarted = Daemon::builder(&run.config(SESSIONS)).role("edge").start();
    assert!(members(&unstarted, &run).is_empty());
    run.check();
}

/// Its ID may be another daemon's, which waits for the partitions with it.
#[test]
fn a_stopped_daemon_with_a_configured_id_stays_a_member() {
    let run = Run::new(&servers().kafka, "stayed", 4);
    let mut properties = SESSIONS.to_vec();
    properties.push(("group.instance.id", "mine"));
    let mut daemon = Daemon::ready(&run.config(&properties));
    all_partitions_work(&run);
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!(members(&daemon, &run), ["mine-run".to_owned()].into());
    assert!(!daemon.log_contains("static member of the consumer group"));
    daemon.restart();
    daemon.wait_ready(LONG);
    all_partitions_work(&run);
    run.end(&[daemon]);
    run.check();
}
