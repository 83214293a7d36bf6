//! Replays that are interrupted, refused, slowed down or limited.

use super::{BROKEN, Fixture, LONG, MENDED, notes, number};
use crate::tools::said_unread;
use millstream_tests::{find_program, wait_until};
use rustix::process::Signal;
use serde_json::Value;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

#[test]
fn ctrl_c_stops_a_replay_between_letters_with_a_report() {
    let place = Fixture::new(1);
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
        "the report matches the stored events"
    );
    let (rest, code) = place.replay(&config, &["--yes"]);
    assert_eq!((number(&rest, "replayed"), code), (1_000 - done, Some(0)));
    assert_eq!(number(&rest, "before"), done);
}

#[test]
fn a_replay_keeps_to_its_rate() {
    let place = Fixture::new(1);
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
        "replayed letters do not count against the rate: {took} s"
    );
}

#[test]
fn nothing_is_replayed_without_confirmation() {
    let place = Fixture::new(1);
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
fn ctrl_c_at_the_prompt_cancels_the_replay() {
    let place = Fixture::new(1);
    place.fail(notes(1));
    let (program, arguments) = place.command(&place.config(MENDED, ""), &["replay"]);
    let line = format!("{} {}", program.display(), arguments.join(" "));
    // Whoever started the tests may have SIGINT ignored, as shells do for what runs in the background.
    let mut terminal = Command::new(find_program("env"));
    terminal
        .arg("--default-signal=INT")
        .arg(find_program("script"));
    terminal.args(["-q", "-e", "-c", &line, "/dev/null"]);
    terminal.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut terminal = terminal.spawn().unwrap();
    let mut shown = Vec::new();
    let mut screen = terminal.stdout.take().unwrap();
    while !shown.ends_with(b"[y/N] ") {
        let mut byte = [0];
        screen.read_exact(&mut byte).unwrap();
        shown.extend(byte);
    }
    let mut keys = terminal.stdin.take().unwrap();
    keys.write_all(b"\x03").unwrap();
    let ended = wait_until("its end", LONG, || terminal.try_wait().unwrap());
    assert!(!ended.success());
    assert!(place.entries().is_empty());
}

#[test]
fn the_exit_code_reports_failed_letters_even_if_the_report_has_no_reader() {
    let place = Fixture::new(1);
    place.fail(notes(2));
    let (program, arguments) = place.command(&place.config(BROKEN, ""), &["replay", "--yes"]);
    let mut command = Command::new(program);
    command.args(arguments);
    let error = said_unread(command).failed(1);
    assert!(error.contains("of 2 letters, 2 failed again"), "{error}");
}

#[test]
fn only_selected_letters_are_replayed() {
    let place = Fixture::new(1);
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
