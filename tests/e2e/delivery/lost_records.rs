//! Records that retention removed before they were read.

use super::{LONG, config, note, offsets, paste, refused, said, standing, wait_for, wait_said};
use millstream_tests::{Daemon, metrics, produce, servers, unique, wait_until};

fn setup(more: &str) -> (Daemon, String, String) {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("lost", 1), unique("lost"));
    produce(&topic, (0..10).map(note));
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, more);
    let daemon = Daemon::ready(&text);
    wait_for(redis, &prefix, 9);
    (daemon, topic, prefix)
}

#[test]
fn records_removed_while_stopped_halt_the_partition_until_offsets_are_set() {
    let (mut daemon, topic, prefix) = setup("");
    let redis = &servers().redis;
    let running = refused(&daemon.command(&["offsets", "set", "--to", "earliest"]));
    assert!(running.contains("is running: its group"), "{running}");
    assert_eq!(daemon.terminate(), Some(0));
    produce(&topic, (10..30).map(note));
    servers().kafka.delete_records(&topic, 0, 20);
    daemon.restart();
    let why = wait_said(
        &daemon,
        &["halted", "removed everything before 20", "offsets set"],
    );
    println!("{why}");
    let halted = metrics(&daemon.admin()).sum("millstream_partition_halted", &[&topic]);
    assert_eq!(halted, 1.0);
    assert_eq!(offsets(redis, &prefix), (0..10).collect::<Vec<_>>());
    assert_eq!(daemon.terminate(), Some(0));
    println!("{}", said(&daemon.command(&["offsets", "show"])));
    let before = standing(&daemon);
    assert_eq!(
        (&before["next"], &before["first"]),
        (&10.into(), &20.into())
    );
    let note = "its ledger is at offset 10, but retention removed everything before 20";
    assert_eq!(before["note"], note);
    assert!(why.contains(note), "readiness is {why}");
    let outside = refused(&daemon.command(&["offsets", "set", "--to", "19"]));
    assert!(outside.contains("available: 20 to 30"), "{outside}");
    let would = said(&daemon.command(&["offsets", "set", "--to", "earliest", "--dry-run"]));
    assert!(would.contains("would continue at 20 (was 10;"), "{would}");
    assert_eq!(standing(&daemon)["next"], 10, "a dry run changes nothing");
    paste(&why);
    daemon.restart();
    daemon.wait_ready(LONG);
    let expected: Vec<_> = (0..10).chain(20..30).collect();
    assert_eq!(wait_for(redis, &prefix, 29), expected);
    assert_eq!(standing(&daemon)["lag"], 0);
}

#[test]
fn records_removed_while_running_halt_the_partition() {
    let (daemon, topic, prefix) = setup("");
    daemon.pause();
    // This record answers a fetch already in progress.
    produce(&topic, [note(10)]);
    produce(&topic, (11..30).map(note));
    servers().kafka.delete_records(&topic, 0, 30);
    daemon.resume();
    produce(&topic, (30..40).map(note));
    let why = wait_said(&daemon, &["halted", "removed everything before 30"]);
    println!("{why}");
    assert!(offsets(&servers().redis, &prefix).len() <= 11);
}

#[test]
fn removed_records_are_skipped_and_counted_if_configured() {
    let (mut daemon, topic, prefix) = setup("lost-records = \"continue\"");
    assert_eq!(daemon.terminate(), Some(0));
    produce(&topic, (10..30).map(note));
    servers().kafka.delete_records(&topic, 0, 20);
    daemon.restart();
    daemon.wait_log(
        "removed everything before 20; continuing at offset 20",
        LONG,
    );
    let expected: Vec<_> = (0..10).chain(20..30).collect();
    assert_eq!(wait_for(&servers().redis, &prefix, 29), expected);
    wait_until("the lost records are counted", LONG, || {
        let lost = metrics(&daemon.admin()).sum("millstream_lost_records_total", &[]);
        (lost == 10.0).then_some(())
    });
    // The same while it runs.
    daemon.pause();
    produce(&topic, [note(30)]);
    produce(&topic, (31..50).map(note));
    servers().kafka.delete_records(&topic, 0, 50);
    produce(&topic, (50..60).map(note));
    daemon.resume();
    let all = wait_for(&servers().redis, &prefix, 59);
    assert!(all.is_sorted_by(|a, b| a < b), "{all:?}");
    assert!(!all.contains(&40) && all.contains(&50), "{all:?}");
}
