//! Which events are kept, and for how long.

use super::{SOON, Subject, append, at, both_with, key, stored};
use millstream::store::Retention;
use millstream_tests::{servers, wait_until};
use std::time::{Duration, Instant};

#[test]
fn retention_keeps_the_newest_events() {
    for max_events in [10, 1000] {
        both_with(
            Retention {
                max_events,
                ..Retention::default()
            },
            |subject| {
                let mut writer = subject.writer();
                writer.begin(&key(0), None, &at(0), false).unwrap();
                let numbers: Vec<String> = (0..3000).map(|n| n.to_string()).collect();
                for (round, numbers) in numbers.chunks(100).enumerate() {
                    let of: Vec<_> = numbers.iter().map(|n| ("a", n.as_str())).collect();
                    stored(append(&mut *writer, &key(0), round as i64 * 100, &of));
                }
                let kept = subject.data("a");
                println!("{} of at most {max_events} kept", kept.len());
                assert!(kept.len() as u64 >= max_events);
                assert!(
                    kept.len() as u64 <= max_events + max_events / 10,
                    "{} kept",
                    kept.len()
                );
                assert_eq!(kept, numbers[numbers.len() - kept.len()..]);
            },
        );
    }
}

#[test]
fn retention_removes_old_events_when_their_stream_is_written_to() {
    let second = Duration::from_secs(1);
    both_with(
        Retention {
            max_age: second,
            ..Retention::default()
        },
        |subject| {
            let mut writer = subject.writer();
            writer.begin(&key(0), None, &at(0), false).unwrap();
            stored(append(
                &mut *writer,
                &key(0),
                0,
                &[("a", "old"), ("b", "old")],
            ));
            let mut expected = 2;
            let mut written = vec!["old".to_string()];
            wait_until("the old event is removed", SOON, || {
                written.push(expected.to_string());
                stored(append(
                    &mut *writer,
                    &key(0),
                    expected,
                    &[("a", &written[written.len() - 1])],
                ));
                expected += 1;
                let kept = subject.data("a");
                assert_eq!(
                    kept,
                    written[written.len() - kept.len()..],
                    "the newest events stay"
                );
                (kept.first().is_some_and(|first| first != "old")).then_some(())
            });
            assert!(written.len() > 2, "the stream was not removed at once");
            assert_eq!(
                subject.data("b"),
                ["old"],
                "a stream without writes is unchanged"
            );
        },
    );
}

/// The memory store looks for idle streams only now and then (as documented).
#[test]
fn an_idle_stream_is_removed_and_an_active_one_is_kept() {
    let idle_expiry = Duration::from_secs(2);
    let retention = Retention {
        idle_expiry,
        ..Retention::default()
    };
    let subject = Subject::new("Redis", &servers().redis.url(), retention);
    let mut writer = subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    let began = Instant::now();
    stored(append(
        &mut *writer,
        &key(0),
        0,
        &[("idle", "1"), ("busy", "1")],
    ));
    let mut redis = servers().redis.connect();
    let mut expected = 2;
    wait_until("the idle stream is removed", SOON, || {
        stored(append(&mut *writer, &key(0), expected, &[("busy", "more")]));
        expected += 1;
        let busy = format!("{}:{{0}}:client:busy", subject.prefix);
        let left: i64 = redis::cmd("PTTL").arg(busy).query(&mut redis).unwrap();
        assert!(
            left >= 1990,
            "a stream that was just written to has {left} ms left, not 2,000"
        );
        subject.data("idle").is_empty().then_some(())
    });
    let took = began.elapsed();
    println!("removed after {took:?}");
    assert!(
        took >= idle_expiry && took < idle_expiry * 2,
        "removed after {took:?}"
    );
    assert_eq!(subject.data("busy").len() as i64, expected - 1);
}
