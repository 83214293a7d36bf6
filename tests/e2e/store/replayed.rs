//! Records replayed by a command: once for each source, however many replay them and however often.

use super::{Subject, at, batch, both, key, stored};
use millstream::record::StreamKind;
use millstream::store::{Mark, Replay, Replayed, StreamEvent, TaskReport, Writer};
use millstream_tests::{Link, servers, streams};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// The `n`th event of its record, for a client.
fn event<'a>(source: &'a str, client: &'a str, data: &'a str, n: u32) -> StreamEvent<'a> {
    StreamEvent {
        to: StreamKind::Client,
        name: client.as_bytes(),
        kind: b"kind",
        data: data.as_bytes(),
        offset: 0,
        n,
        replay: Some(source),
        task: None,
    }
}

/// Records of one event each, for the client `a`; the payload is the source.
fn records<'a>(sources: &[&'a str]) -> Replay<'a> {
    let mut replay = Replay::new("g");
    for source in sources {
        replay.sources.push(source);
        replay.events.push(event(source, "a", source, 0));
    }
    replay
}

fn replay(writer: &mut dyn Writer, replay: &mut Replay) -> Vec<Replayed> {
    writer.replay(replay, true).unwrap()
}

use Replayed::{Before, Stored};

#[test]
fn a_replayed_record_is_stored_once_and_recognised_afterwards() {
    both(|subject| {
        let (mut one, mut two) = (subject.writer(), subject.writer());
        assert_eq!(
            replay(&mut *one, &mut records(&["x", "y"])),
            [Stored, Stored]
        );
        assert_eq!(
            replay(&mut *two, &mut records(&["z", "y", "x"])),
            [Stored, Before, Before]
        );
        assert_eq!(subject.data("a"), ["x", "y", "z"]);
        let known = two.marked("g", Mark::Stored, &["x", "q", "z"]).unwrap();
        assert_eq!(known, [true, false, true]);
        let others = two.marked("h", Mark::Stored, &["x"]).unwrap();
        assert_eq!(others, [false], "another group has separate marks");
    });
}

#[test]
fn a_dry_run_reports_and_changes_nothing() {
    both(|subject| {
        let mut writer = subject.writer();
        replay(&mut *writer, &mut records(&["x"]));
        let told = writer.replay(&mut records(&["x", "y"]), false).unwrap();
        assert_eq!(told, [Before, Stored]);
        assert_eq!(subject.data("a"), ["x"]);
        let told = replay(&mut *writer, &mut records(&["x", "y"]));
        assert_eq!(told, [Before, Stored], "the same as reported");
    });
}

#[test]
fn a_record_without_events_is_marked_and_its_suppressed_events_are_noted_once() {
    both(|subject| {
        let mut writer = subject.writer();
        let silent = || {
            let mut replay = Replay::new("g");
            replay.sources = vec!["x", "y"];
            replay.suppressed = vec![(0, b"away"), (1, b"away")];
            replay
        };
        assert_eq!(replay(&mut *writer, &mut silent()), [Stored, Stored]);
        subject.keep_interest(&["away"], super::SOON);
        assert_eq!(subject.stream("away").len(), 1, "they are reported");
        assert_eq!(replay(&mut *writer, &mut silent()), [Before, Before]);
        subject.keep_interest(&["away"], super::SOON);
        assert_eq!(subject.stream("away").len(), 1, "and earlier ones are not");
    });
}

#[test]
fn a_pipeline_and_the_replay_command_share_replay_marks() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        let append = |writer: &mut dyn Writer, next, sources: [&str; 2]| {
            let events = sources.map(|source| event(source, "a", source, 0));
            let mut append = batch_of(next, &events);
            stored(writer.append(&mut append, None))
        };
        append(&mut *writer, 0, ["x", "y"]);
        assert_eq!(
            replay(&mut *writer, &mut records(&["y", "z"])),
            [Before, Stored]
        );
        append(&mut *writer, 2, ["z", "w"]);
        assert_eq!(subject.data("a"), ["x", "y", "z", "w"]);
    });
}

fn batch_of<'a>(expected: i64, events: &'a [StreamEvent<'a>]) -> millstream::store::Append<'a> {
    // One key for as long as the test runs.
    let ledger = Box::leak(Box::new(key(0)));
    batch(ledger, expected, expected + 2, events)
}

#[test]
fn concurrent_replays_store_each_record_once() {
    const ROUNDS: usize = 100;
    both(|subject| {
        let sources: Vec<String> = (0..ROUNDS * 3).map(|n| format!("t/0/{n}")).collect();
        let barrier = Barrier::new(3);
        let contend = |skew: usize| {
            let mut writer = subject.writer();
            let mut won = 0;
            for round in 0..ROUNDS {
                // They overlap, and no two are equal.
                let from = (round * 3 + skew).min(sources.len() - 3);
                let some: Vec<&str> = sources[from..from + 3].iter().map(String::as_str).collect();
                barrier.wait();
                let told = replay(&mut *writer, &mut records(&some));
                won += told.iter().filter(|told| **told == Stored).count();
            }
            won
        };
        let won: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3)
                .map(|skew| scope.spawn(move || contend(skew)))
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).sum()
        });
        let mut data = subject.data("a");
        let stored = data.len();
        data.sort();
        data.dedup();
        let all = sources.len();
        assert_eq!(
            (stored, data.len(), won),
            (all, all, all),
            "each once, and reported once"
        );
    });
}

#[test]
fn copies_of_one_record_in_one_batch_of_a_pipeline_are_stored_once() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        let copy = |offset, source, n| StreamEvent {
            offset,
            ..event(source, "a", ["first", "second"][n as usize], n)
        };
        // Of two events each: x, a copy of it, y, and another copy of x.
        let of = [(0, "x"), (1, "x"), (2, "y"), (3, "x")];
        let events: Vec<_> = of
            .iter()
            .flat_map(|(o, s)| [copy(*o, *s, 0), copy(*o, *s, 1)])
            .collect();
        let ledger = key(0);
        stored(writer.append(&mut batch(&ledger, 0, 4, &events), None));
        assert_eq!(subject.data("a"), ["first", "second", "first", "second"]);
    });
}

#[test]
fn a_sent_mark_is_not_a_stored_mark() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.mark_sent("g", &["x#0", "y#0"]).unwrap();
        writer.mark_sent("g", &[]).unwrap();
        let names = ["x#0", "x#1", "y#0"];
        let sent = writer.marked("g", Mark::Sent, &names).unwrap();
        assert_eq!(sent, [true, false, true]);
        let stored = writer.marked("g", Mark::Stored, &names).unwrap();
        assert_eq!(stored, [false; 3]);
    });
}

#[test]
fn a_record_with_an_event_for_a_key_of_another_type_is_neither_stored_nor_marked() {
    let subject = Subject::redis(&servers().redis.url());
    let mut redis = servers().redis.connect();
    let broken = format!("{}:{{0}}:client:broken", subject.prefix);
    redis::cmd("SET")
        .arg(&broken)
        .arg(1)
        .exec(&mut redis)
        .unwrap();
    let mut writer = subject.writer();
    let two = || {
        let mut replay = records(&["x", "y"]);
        replay.events.push(event("y", "broken", "second", 1));
        replay
    };
    for write in [false, true] {
        let told = writer.replay(&mut two(), write).unwrap();
        assert_eq!(told[0], Stored);
        assert!(matches!(&told[1], Replayed::Refused(why) if why.contains("WRONGTYPE")));
    }
    assert_eq!(subject.data("a"), ["x"], "all of a record or nothing");
    redis::cmd("DEL").arg(&broken).exec(&mut redis).unwrap();
    assert_eq!(replay(&mut *writer, &mut two()), [Before, Stored]);
    assert_eq!(subject.data("a"), ["x", "y"]);
    assert_eq!(subject.data("broken"), ["second"]);
}

#[test]
fn a_fully_refused_pipeline_replay_is_not_marked_and_a_partly_refused_one_is() {
    let subject = Subject::redis(&servers().redis.url());
    let mut redis = servers().redis.connect();
    let broken = format!("{}:{{0}}:client:broken", subject.prefix);
    redis::cmd("SET")
        .arg(&broken)
        .arg(1)
        .exec(&mut redis)
        .unwrap();
    let mut writer = subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    let events = [
        event("before", "a", "before", 0),
        event("part", "a", "part", 0),
        event("part", "broken", "part", 1),
        event("whole", "broken", "whole", 0),
        event("whole", "broken", "whole", 1),
    ];
    replay(&mut *writer, &mut records(&["before"]));
    // A look-ahead is sent along, and is still valid.
    let ledger = key(0);
    let refused = stored(writer.append(&mut batch(&ledger, 0, 5, &events), Some(&ledger)));
    let refused: Vec<usize> = refused.iter().map(|refusal| refusal.event).collect();
    assert_eq!(refused, [2, 3, 4]);
    let names = ["before", "part", "whole"];
    let known = writer.marked("g", Mark::Stored, &names).unwrap();
    assert_eq!(known, [true, true, false]);
    stored(writer.append(&mut batch(&ledger, 5, 6, &[]), None));
}

#[test]
fn a_forced_replay_is_reported_as_new_and_stored_once_its_mark_is_gone() {
    both(|subject| {
        let mut writer = subject.writer();
        replay(&mut *writer, &mut records(&["x", "y"]));
        let forced = || {
            let mut replay = records(&["x", "y"]);
            replay.forced = vec!["y"];
            replay
        };
        let told = writer.replay(&mut forced(), false).unwrap();
        assert_eq!(told, [Before, Stored]);
        writer.unmark("g", &["y"]).unwrap();
        assert_eq!(replay(&mut *writer, &mut forced()), told);
        assert_eq!(subject.data("a"), ["x", "y", "y"]);
    });
}

#[test]
fn results_after_the_end_of_their_task_are_reported_as_dropped() {
    let subject = Subject::redis(&servers().redis.url());
    let mut redis = servers().redis.connect();
    for (task, ended) in [("over", true), ("open", false)] {
        let mut set = redis::cmd("HSET");
        set.arg(format!("{}:{{0}}:task:{task}", subject.prefix));
        set.arg("owner").arg("a");
        if ended {
            set.arg("ended").arg(1);
        }
        set.exec(&mut redis).unwrap();
    }
    let of = |source, n, task: &'static str, ends| StreamEvent {
        task: Some(TaskReport {
            id: task.as_bytes(),
            status: b"completed",
            ends,
        }),
        ..event(source, "a", source, n)
    };
    let all = || {
        let mut replay = Replay::new("g");
        replay.sources = vec!["before", "x", "y"];
        replay.events = vec![
            event("before", "a", "before", 0),
            of("x", 0, "over", true),
            of("x", 1, "unknown", true),
            of("x", 2, "open", true),
            of("y", 0, "open", false),
        ];
        replay
    };
    let mut writer = subject.writer();
    replay(&mut *writer, &mut records(&["before"]));
    let next = || {
        let mut replay = Replay::new("g");
        replay.sources = vec!["z"];
        replay.events = vec![of("z", 0, "open", false)];
        replay
    };
    for write in [false, true] {
        let mut replay = all();
        let told = writer.replay(&mut replay, write).unwrap();
        assert_eq!(told, [Before, Stored, Stored]);
        let dropped: Vec<usize> = replay.dropped.into_iter().collect();
        assert_eq!(dropped, [1, 4], "write: {write}");
        // Also for a task that ended in an earlier batch.
        let mut next = next();
        next.ended = replay.ended;
        assert_eq!(writer.replay(&mut next, write).unwrap(), [Stored]);
        assert_eq!(next.dropped.len(), 1, "write: {write}");
    }
    assert_eq!(subject.data("a"), ["before", "x", "x"]);
}

#[test]
fn each_record_is_stored_and_reported_once_over_broken_connections() {
    let url = servers().redis.url();
    let link = Link::to(url.trim_start_matches("redis://"));
    let subject = Subject::redis(&format!("redis://{}", link.addr()));
    // As many as a stream keeps.
    let sources: Vec<String> = (0..1000).map(|n| format!("t/0/{n}")).collect();
    let (done, lost) = (AtomicBool::new(false), AtomicUsize::new(0));
    let told = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(3));
                link.cut();
                link.open();
            }
        });
        let mut writer = subject.writer();
        let mut told = 0;
        for sources in sources.chunks(2) {
            let some: Vec<&str> = sources.iter().map(String::as_str).collect();
            let mut replay = records(&some);
            let answer = loop {
                match writer.replay(&mut replay, true) {
                    Ok(answer) => break answer,
                    Err(_) => lost.fetch_add(1, Ordering::Relaxed),
                };
            };
            told += answer.iter().filter(|told| **told == Stored).count();
        }
        done.store(true, Ordering::Relaxed);
        told
    });
    println!("{lost:?} answers were lost");
    assert!(lost.into_inner() > 10, "the test broke connections");
    let entries = streams(&subject.prefix).remove("a").unwrap();
    let data: Vec<_> = entries.into_iter().map(|entry| entry.data).collect();
    assert!(data == sources, "{} of {}", data.len(), sources.len());
    assert_eq!(told, sources.len());
}
