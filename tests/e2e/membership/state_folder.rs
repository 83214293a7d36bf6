use super::{LONG, SESSIONS, all_partitions_work, with_state};
use crate::kafka_faults::Run;
use millstream_tests::{Daemon, DaemonBuilder, scratch_dir, servers};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const WARNS: &str = "dynamic member of the consumer group";

/// Starts, processes all partitions, stops.
fn works(run: &Run<'_>, builder: DaemonBuilder) -> Daemon {
    let daemon = builder.start();
    daemon.wait_ready(LONG);
    all_partitions_work(run);
    assert_eq!(daemon.terminate(), Some(0));
    assert!(!daemon.log_contains("static member"), "it is a dynamic one");
    daemon
}

#[test]
fn without_a_usable_state_folder_a_daemon_says_so_and_is_a_dynamic_member() {
    let run = Run::new(&servers().kafka, "stateless", 2);
    let root = scratch_dir("state");
    // Root may write to any folder, but not below a file.
    let unwritable = root.join("unwritable");
    fs::write(&unwritable, "").unwrap();
    let daemon = works(&run, with_state(&run, &unwritable));
    println!("{}", daemon.wait_log(WARNS, LONG));
    assert!(daemon.log_contains("can't create the folder"));
    let open = root.join("millstream");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    let daemon = works(&run, with_state(&run, &root));
    assert!(daemon.log_contains(WARNS));
    assert!(daemon.log_contains("other users may write to it"));
    assert_eq!(fs::read_dir(&open).unwrap().count(), 0);
    run.check();
}

#[test]
fn dynamic_membership_and_an_edge_need_no_state_folder() {
    let run = Run::new(&servers().kafka, "dynamic", 2);
    let state = scratch_dir("state");
    let config = run.config(SESSIONS);
    let with = |key: &str| config.replacen("[store]", &format!("{key}\n[store]"), 1);
    let dynamic = with("membership = \"dynamic\"");
    let builder = Daemon::builder(&dynamic).env("XDG_STATE_HOME", state.to_str().unwrap());
    let daemon = works(&run, builder);
    assert!(!daemon.log_contains(WARNS));
    let edge = with_state(&run, &state).role("edge").start();
    edge.wait_ready(LONG);
    assert_eq!(edge.terminate(), Some(0));
    assert_eq!(fs::read_dir(&state).unwrap().count(), 0);
    let daemon = Daemon::ready(&with("state-dir = \"kept\""));
    all_partitions_work(&run);
    let files = fs::read_dir(daemon.dir().join("kept")).unwrap();
    assert_eq!(files.count(), 1, "relative to the configuration");
    run.end(&[daemon]);
    run.check();
}
