//! Replays that someone stops, and those that nobody agreed to.

use super::{LONG, MENDED, Place, notes, number};
use millstream_tests::wait_until;
use rustix::process::Signal;
use serde_json::Value;
use std::time::Instant;

#[test]
fn ctrl_c_ends_it_between_letters_with_a_report() {
    let place = Place::new(1);
    place.fail(notes(1_000));
    let config = place.config(MENDED, "");
    let arguments = ["replay", "--yes", "--json", "--rate", "100"];
    let (replay, out) = place.start(&config, &arguments);
    wait_until("some are replayed", LONG, || {
        (place.entries().len() > 20).then_some(())
    });
    replay.signal(Signal::INT);
    let status = replay.wait_exit("the replay", LONG);
    assert_eq!(status.code(), Some(1));
    let report: Value = serde_json::from_str(&std::fs::read_to_string(out).unwrap()).unwrap();
    assert_eq!(report["stopped"], true);
    let done = number(&report, "replayed");
    assert!((1..1_000).contains(&done), "{report}");
    assert_eq!(
        place.entries().len() as u64,
        done,
        "what it tells is what it did"
    );
    let (rest, code) = place.replay(&config, &["--yes"]);
    assert_eq!((number(&rest, "replayed"), code), (1_000 - done, Some(0)));
    assert_eq!(number(&rest, "before"), done);
}

#[test]
fn so_many_letters_a_second_and_not_more() {
    let place = Place::new(1);
    place.fail(notes(300));
    let config = place.config(MENDED, "");
    let began = Instant::now();
    let (done, _) = place.replay(&config, &["--yes", "--rate", "100"]);
    let took = began.elapsed().as_secs_f64();
    assert_eq!(number(&done, "replayed"), 300);
    assert!(took >= 2.9, "300 letters at 100 a second took {took} s");
    let began = Instant::now();
    place.replay(&config, &["--yes", "--rate", "10"]);
    let took = began.elapsed().as_secs_f64();
    assert!(
        took < 20.0,
        "what was replayed before costs nothing: {took} s"
    );
}

#[test]
fn nothing_is_replayed_that_nobody_agreed_to() {
    let place = Place::new(1);
    place.fail(notes(1));
    let config = place.config(MENDED, "");
    let output = place.dlq(&config, &["replay"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("--dry-run") && error.contains("--yes"),
        "{error}"
    );
    assert_eq!(output.status.code(), Some(64));
    assert!(place.entries().is_empty());
}

#[test]
fn only_the_letters_that_were_chosen_are_replayed() {
    let place = Place::new(1);
    place.fail(notes(100));
    let config = place.config(MENDED, "");
    let (done, _) = place.replay(&config, &["--yes", "--key", "c3"]);
    assert_eq!((number(&done, "chosen"), number(&done, "replayed")), (5, 5));
    let (done, _) = place.replay(&config, &["--yes", "--limit", "10"]);
    assert_eq!((number(&done, "chosen"), number(&done, "before")), (10, 1));
    let (done, _) = place.replay(&config, &["--yes", "--class", "trap"]);
    assert_eq!(number(&done, "chosen"), 0);
    let wanted = |n: &i64| *n < 10 || n % 20 == 3;
    assert_eq!(
        place.sources(),
        place.expected((0..100).filter(wanted).map(|n| (0, n)))
    );
}
