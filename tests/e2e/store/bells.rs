//! News, and connected clients.

use super::{SOON, Subject, append, at, batch, both, client_stream, key, moved, stored};
use millstream::record::News;
use millstream_tests::{Clock, servers, wait_until};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

#[test]
fn the_bell_starts_with_missed_and_names_exactly_the_clients_of_an_append() {
    both(|subject| {
        let mut writer = subject.writer();
        writer.begin(&key(0), None, &at(0), false).unwrap();
        stored(append(&mut *writer, &key(0), 0, &[("before", "1")]));
        let (mut one, mut two) = (subject.listen(), subject.listen());
        assert_eq!(subject.next(&mut one), News::Missed);
        assert_eq!(subject.next(&mut two), News::Missed);
        let of = [("a", "1"), ("b x*{}é", "2"), ("a", "3"), ("c", "4")];
        stored(append(&mut *writer, &key(0), 1, &of));
        // Filtered batches and lost races do not ring.
        stored(writer.append(&mut batch(&key(0), 5, 6, &[]), None));
        moved(append(&mut *writer, &key(0), 0, &[("wrong", "1")]));
        stored(append(&mut *writer, &key(0), 6, &[("last", "1")]));
        for rung in [&mut one, &mut two] {
            for expected in [&["a", "b x*{}é", "c"][..], &["last"]] {
                let News::Streams(streams) = subject.next(rung) else {
                    panic!("an unexpected Missed")
                };
                let named: BTreeSet<_> = streams.iter().cloned().collect();
                assert_eq!(named, expected.iter().map(|c| client_stream(c)).collect());
                assert_eq!(streams.len(), expected.len(), "each once");
            }
        }
    });
}

#[test]
fn interest_is_a_lease() {
    both(|subject| {
        let mut writer = subject.writer();
        let names = ["long", "short", "nobody", "long"];
        assert_eq!(writer.connected(&names).unwrap(), [false; 4]);
        subject.keep_interest(&["short"], Duration::from_millis(300));
        subject.keep_interest(&["long"], Duration::from_secs(60));
        // A shorter lease does not shorten a longer one: two connections may hold one.
        let began = Instant::now();
        let now = writer.connected(&names).unwrap();
        assert!(now == [true, true, false, true] || began.elapsed() > Duration::from_millis(200));
        wait_until("the short lease ends", SOON, || {
            let now = writer.connected(&names).unwrap();
            assert_eq!((now[0], now[2], now[3]), (true, false, true));
            (!now[1]).then_some(())
        });
        subject.keep_interest(&["long", "brief"], Duration::from_millis(1));
        wait_until("the brief lease ends", SOON, || {
            let now = writer.connected(&["long", "brief"]).unwrap();
            assert!(now[0], "the longer lease holds");
            (!now[1]).then_some(())
        });
        subject.keep_interest(&["short"], SOON);
        assert_eq!(writer.connected(&names).unwrap(), [true, true, false, true]);
        subject.keep_interest(&[], SOON);
        assert_eq!(writer.connected(&[]).unwrap(), [false; 0]);
        let many: Vec<String> = (0..5000).map(|n| format!("client-{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        subject.keep_interest(&many, SOON);
        assert_eq!(writer.connected(&many).unwrap(), [true; 5000]);
    });
}

#[test]
fn a_lease_uses_the_redis_clock_for_every_caller() {
    const HOUR: i64 = 3600;
    let clock = Clock::right();
    let redis = servers().own_redis_by(&clock, &[]);
    let subject = Subject::redis(&redis.url());
    let mut writer = subject.writer();
    let time = || -> i64 {
        let time: (i64, i64) = redis::cmd("TIME").query(&mut redis.connect()).unwrap();
        time.0
    };
    let set = |shift: i64| {
        let before = time();
        clock.shift(shift);
        wait_until("Redis' clock is set", SOON, || {
            (time().abs_diff(before) > 1800).then_some(())
        });
    };
    // Redis' clock is hours behind ours: the lease holds, and ends by Redis' clock.
    set(-2 * HOUR);
    subject.keep_interest(&["a"], Duration::from_secs(60));
    assert_eq!(writer.connected(&["a"]).unwrap(), [true]);
    set(-HOUR);
    assert_eq!(writer.connected(&["a"]).unwrap(), [false]);
    subject.keep_interest(&["a"], Duration::from_secs(60));
    assert_eq!(writer.connected(&["a"]).unwrap(), [true]);
}
