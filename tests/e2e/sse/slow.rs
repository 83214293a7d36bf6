//! Readers that stop reading.

use super::SOON;
use super::rig::{Options, Rig, assert_same, numbered};
use millstream_tests::{Frame, Sse, metrics, servers, wait_until};
use std::fs;

/// More than socket buffers hold.
const BIG: usize = 256 << 10;
const COUNT: usize = 300;
/// How much a daemon may grow, whatever is stored: far less than [`BIG`] times [`COUNT`] bytes.
const GROWTH_KIB: u64 = 48 << 10;

fn big(numbers: std::ops::Range<usize>) -> impl Iterator<Item = String> {
    numbers.map(|n| format!("{n} {}", "x".repeat(BIG)))
}

fn memory_kib(rig: &Rig) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", rig.daemon.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

/// Everything until the stream ends or is silent for long.
fn rest(sse: &mut Sse, wanted: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    while frames.len() < wanted
        && let Some(frame) = sse.next_event(SOON)
    {
        frames.push(frame);
    }
    frames
}

#[test]
fn a_stalled_reader_is_cut_without_harm_and_loses_nothing() {
    let redis = servers().own_redis(&[]);
    let rig = Rig::on(&redis);
    rig.store("warm", big(0..20), 20); // memory that the ordinary path needs
    let (mut slow, begins) = rig.open("client=slow");
    let (mut quick, _) = rig.open("client=quick");
    let before = memory_kib(&rig);

    rig.send("slow", big(0..COUNT));
    for round in 0..20 {
        rig.send("quick", numbered(round..round + 1));
        assert_eq!(
            quick.events(1, SOON)[0].data,
            numbered(round..round + 1).next()
        );
    }
    let entries = rig.stored("slow", COUNT);
    wait_until("the slow reader is cut", SOON, || {
        let open = metrics(&rig.daemon.admin()).sum("millstream_sse_connections", &[]);
        (open == 1.0).then_some(())
    });
    let grown = memory_kib(&rig) - before;
    println!("the daemon grew by {grown} KiB, from {before} KiB");

    let mut got = rest(&mut slow, COUNT);
    println!(
        "{} events were in buffers; the end: {:?}",
        got.len(),
        slow.end()
    );
    assert!(got.len() < COUNT && slow.end() != Some("complete"));
    let last = got.last().and_then(|frame| frame.id.clone());
    let last = last.unwrap_or(begins);
    got.extend(rig.resume("slow", &last).events(COUNT - got.len(), SOON));
    assert_same(&got, &entries);

    let grown = memory_kib(&rig) - before;
    println!("and by {grown} KiB after the rest was read");
    assert!(grown < GROWTH_KIB, "the daemon grew by {grown} KiB");
}

#[test]
fn a_slow_reader_gets_a_gap_for_trimmed_events() {
    let redis = servers().own_redis(&[]);
    let rig = Rig::with(Options {
        redis: &redis,
        store: "retention = { max-events = 100 }",
        ..Options::default()
    });
    let (mut slow, _) = rig.open("client=slow");
    rig.send("slow", big(0..COUNT));
    let last = wait_until("all events are stored", SOON, || {
        let entry = rig.stream("slow").pop()?;
        entry
            .data
            .starts_with(&format!("{} ", COUNT - 1))
            .then_some(entry.id)
    });
    let mut got: Vec<Frame> = Vec::new();
    while got
        .last()
        .is_none_or(|frame| frame.id.as_deref() != Some(&last))
    {
        let Some(frame) = slow.next_event(SOON) else {
            // On a slow machine it may have been cut meanwhile: it resumes.
            let last = got.iter().rev().find_map(|frame| frame.id.clone());
            slow = rig.resume("slow", &last.unwrap());
            continue;
        };
        got.push(frame);
    }
    let gaps = got
        .iter()
        .filter(|frame| frame.event.as_deref() == Some("gap"));
    println!("{} frames, {} gaps", got.len(), gaps.clone().count());
    assert!(got.len() < COUNT, "events were trimmed");
    let mut next = 0;
    let mut told = false;
    for frame in &got {
        if frame.event.as_deref() == Some("gap") {
            assert!(frame.data.as_deref().unwrap().contains("trimmed"));
            told = true;
            continue;
        }
        let text = frame.data.as_deref().unwrap();
        let number: usize = text.split(' ').next().unwrap().parse().unwrap();
        assert!(
            number == next || (told && number > next),
            "{next}..{number} is missing"
        );
        (next, told) = (number + 1, false);
    }
}
