//! Replays that are killed or lose the store.

use super::{Fixture, LONG, MENDED, check_sum, notes, number};
use millstream_tests::{servers, wait_until};
use std::time::Duration;

const LETTERS: usize = 6_000;

#[test]
fn a_killed_replay_can_be_resumed_without_duplicates() {
    let place = Fixture::new(3);
    place.fail(notes(LETTERS));
    // Small batches, so that it is killed midway.
    let config = place.config(MENDED, "batch = { max-records = 5 }");
    let mut known = 0;
    for round in 0..6 {
        // Each round kills it at another moment of a batch.
        let (replay, _) = place.start(&config, &["replay", "--yes"]);
        wait_until("some more are replayed", LONG, || {
            (place.entries().len() > known || replay.exit_status().is_some()).then_some(())
        });
        std::thread::sleep(Duration::from_millis(7 * round));
        replay.kill();
        known = place.entries().len();
        println!("round {round}: {known}");
    }
    assert!(known < LETTERS, "it was killed too late");
    let (done, code) = place.replay(&config, &["--yes"]);
    check_sum(&done);
    assert_eq!(code, Some(0));
    assert!(number(&done, "before") >= known as u64);
    assert_eq!(
        number(&done, "before") + number(&done, "replayed"),
        LETTERS as u64
    );
    let sources = place.sources();
    let mut each = sources.clone();
    each.dedup();
    assert_eq!((sources.len(), each.len()), (LETTERS, LETTERS), "each once");
}

#[test]
fn a_replay_waits_for_a_frozen_store_and_continues() {
    let place = Fixture::new(1);
    place.fail(notes(2_000));
    let own = servers().own_redis(&[]);
    let config = place
        .config(MENDED, "")
        .replace(&servers().redis.url(), &own.url());
    let (replay, _) = place.start(&config, &["replay", "--yes", "--rate", "500"]);
    wait_until("some are replayed", LONG, || {
        (!own.streams(&place.prefix).is_empty()).then_some(())
    });
    // The replay waits for Redis.
    own.pause();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(replay.exit_status(), None);
    own.resume();
    assert!(replay.wait_exit("the replay", LONG).success());
    let entries: Vec<_> = own.streams(&place.prefix).into_values().flatten().collect();
    assert_eq!(entries.len(), 2_000);
}

#[test]
fn a_replay_killed_during_its_transaction_stores_nothing_twice() {
    let place = Fixture::new(1);
    place.fail(notes(100));
    let own = servers().own_redis(&[]);
    let config = place
        .config(MENDED, "")
        .replace(&servers().redis.url(), &own.url());
    // Redis receives the transaction and does not execute it.
    own.order(&["CLIENT", "PAUSE", "600000", "WRITE"]);
    let (replay, _) = place.start(&config, &["replay", "--yes"]);
    wait_until("the transaction is blocked", LONG, || {
        let mut redis = own.connect();
        let info: String = redis::cmd("INFO").arg("clients").query(&mut redis).unwrap();
        info.contains("blocked_clients:1").then_some(())
    });
    replay.kill();
    own.order(&["CLIENT", "UNPAUSE"]);
    let (done, code) = place.replay(&config, &["--yes"]);
    let all = number(&done, "replayed") + number(&done, "before");
    assert_eq!((all, code), (100, Some(0)));
    let entries: Vec<_> = own.streams(&place.prefix).into_values().flatten().collect();
    assert_eq!(entries.len(), 100);
}
