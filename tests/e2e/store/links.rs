//! A connection to Redis that loses answers, ends, or goes silent.

use super::{
    SOON, Subject, append, append_then, at, batch, client_stream, events, key, next_of, stored,
};
use millstream::record::{News, Want};
use millstream::store::Appended;
use millstream_tests::{Link, servers, streams, wait_until};
use std::time::{Duration, Instant};

/// Redis behind a link that can inject faults.
fn linked() -> (Link, Subject) {
    let url = servers().redis.url();
    let link = Link::to(url.trim_start_matches("redis://"));
    let subject = Subject::redis(&format!("redis://{}", link.addr()));
    (link, subject)
}

/// What is stored, read directly instead of over the link.
fn behind(subject: &Subject, name: &str) -> Vec<String> {
    let entries = streams(&subject.prefix).remove(name).unwrap_or_default();
    entries.into_iter().map(|entry| entry.data).collect()
}

#[test]
fn a_lost_answer_is_unknown_and_the_ledger_resolves_it() {
    let (link, subject) = linked();
    let mut writer = subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    // With a look-ahead, so that the next answer is the transaction's.
    stored(append_then(
        &mut *writer,
        &key(0),
        0,
        &[("a", "1")],
        Some(&key(0)),
    ));
    link.lose_answers();
    let began = Instant::now();
    let (ledger, events) = (key(0), events(1, &[("a", "2")]));
    let mut twice = batch(&ledger, 1, 2, &events);
    let lost = writer.append(&mut twice, None);
    println!("{lost:?} after {:?}", began.elapsed());
    let Appended::Unknown(error) = lost else {
        panic!("{lost:?}")
    };
    assert_eq!(error.to_string(), "Redis: no answer within 5 s");
    assert!(writer.ledger(&key(0)).is_err(), "no answer arrives");
    link.cut();
    link.open();
    assert_eq!(
        next_of(&mut *writer, &key(0)),
        Some(2),
        "the append was stored"
    );
    let again = writer.append(&mut twice, None);
    assert_eq!(
        stored(again),
        [],
        "the same append detects that it was stored"
    );
    assert_eq!(stored(append(&mut *writer, &key(0), 2, &[("a", "3")])), []);
    assert_eq!(subject.data("a"), ["1", "2", "3"]);
}

#[test]
fn a_lost_look_up_stores_nothing() {
    let (link, subject) = linked();
    let mut writer = subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    stored(append(&mut *writer, &key(0), 0, &[("a", "1")]));
    link.lose_answers();
    let lost = append(&mut *writer, &key(0), 1, &[("a", "2")]);
    assert!(matches!(lost, Appended::Unavailable(_)), "{lost:?}");
    link.cut();
    link.open();
    assert_eq!(
        next_of(&mut *writer, &key(0)),
        Some(1),
        "nothing was stored"
    );
    assert_eq!(stored(append(&mut *writer, &key(0), 1, &[("a", "2")])), []);
    assert_eq!(subject.data("a"), ["1", "2"]);
}

#[test]
fn a_cut_connection_yields_unknown_or_unavailable_until_it_reconnects() {
    let (link, subject) = linked();
    let mut writer = subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    let mut expected = 0;
    for round in 0..20 {
        let following = key(0);
        let following = (round % 2 == 0).then_some(&following);
        let of = [("a", "good")];
        stored(append_then(&mut *writer, &key(0), expected, &of, following));
        expected += 1;
        link.cut();
        let cut = append(&mut *writer, &key(0), expected, &[("a", "cut")]);
        match cut {
            // Not sent, or sent into a connection that had ended.
            Appended::Unknown(_) => assert_eq!(round % 2, 0, "nothing was sent"),
            Appended::Unavailable(_) => {}
            other => panic!("{other:?}"),
        }
        assert!(writer.ledger(&key(0)).is_err());
        assert!(writer.connected(&["a"]).is_err());
        assert!(writer.begin(&key(1), None, &at(0), false).is_err());
        let down = append(&mut *writer, &key(0), expected, &[("a", "down")]);
        assert!(matches!(down, Appended::Unavailable(_)), "{down:?}");
        link.open();
        assert_eq!(next_of(&mut *writer, &key(0)), Some(expected));
    }
    assert_eq!(behind(&subject, "a"), ["good"; 20]);
}

#[test]
fn readers_and_bells_recover_with_redis() {
    let (link, subject) = linked();
    let mut writer = subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    let mut rung = subject.listen();
    assert_eq!(subject.next(&mut rung), News::Missed);
    for round in 0..3 {
        stored(append(&mut *writer, &key(0), round, &[("a", "1")]));
        assert_eq!(
            subject.next(&mut rung),
            News::Streams(vec![client_stream("a")])
        );
        assert_eq!(subject.data("a").len() as i64, round + 1);
        link.cut();
        let want = Want {
            stream: client_stream("a"),
            after: None,
            limit: 1,
            check_gap: false,
            counted: None,
        };
        let read = || {
            subject
                .runtime
                .block_on(subject.store.read(std::slice::from_ref(&want), usize::MAX))
        };
        let ping = || subject.runtime.block_on(subject.store.ping());
        assert!(read().is_err() && ping().is_err());
        link.open();
        wait_until("the store answers again", SOON, || {
            (ping().is_ok() && read().is_ok()).then_some(())
        });
        assert_eq!(
            subject.next(&mut rung),
            News::Missed,
            "doorbell messages may have been lost"
        );
        // The writer detects it without help.
        while let Appended::Unavailable(_) = append_then(&mut *writer, &key(1), 0, &[], None) {}
    }
}

#[test]
fn a_silently_dead_subscription_is_detected() {
    let (link, subject) = linked();
    let mut rung = subject.listen();
    assert_eq!(subject.next(&mut rung), News::Missed);
    let channel = format!("{}:{{0}}:bell", subject.prefix);
    let mut redis = servers().redis.connect();
    let mut listening = || -> i64 {
        let told: (String, i64) = redis::cmd("PUBSUB")
            .arg("NUMSUB")
            .arg(&channel)
            .query(&mut redis)
            .unwrap();
        told.1
    };
    assert_eq!(listening(), 1);
    link.lose_answers();
    let began = Instant::now();
    wait_until("the dead subscription is closed", SOON, || {
        (listening() == 0).then_some(())
    });
    let took = began.elapsed();
    println!("closed after {took:?}");
    assert!(took < Duration::from_secs(8), "closed after {took:?}");
    link.open();
    assert_eq!(subject.next(&mut rung), News::Missed);
}

#[test]
fn an_event_refused_in_a_transaction_with_a_lost_answer_is_named() {
    let (link, subject) = linked();
    let mut writer = subject.writer();
    writer.begin(&key(0), None, &at(0), false).unwrap();
    let mut redis = servers().redis.connect();
    let bad = format!("{}:{{0}}:client:bad", subject.prefix);
    let set = redis::cmd("SET")
        .arg(&bad)
        .arg("no stream")
        .exec(&mut redis);
    set.unwrap();
    // With a look-ahead, so that the next answer is the transaction's.
    let of = [("a", "0")];
    stored(append_then(&mut *writer, &key(0), 0, &of, Some(&key(0))));
    link.lose_answers();
    let of = [
        ("a", "1"),
        ("bad", "2"),
        ("a", "3"),
        ("b", "4"),
        ("bad", "5"),
    ];
    let (ledger, events) = (key(0), events(1, &of));
    let mut append = batch(&ledger, 1, 6, &events);
    let lost = std::thread::scope(|scope| {
        let lost = scope.spawn(|| writer.append(&mut append, None));
        wait_until("the answer is lost", SOON, || {
            (link.lost() > 0).then_some(())
        });
        link.cut();
        lost.join().unwrap()
    });
    assert!(matches!(lost, Appended::Unknown(_)), "{lost:?}");
    link.open();
    let refusals = stored(writer.append(&mut append, None));
    let refused: Vec<usize> = refusals.iter().map(|refusal| refusal.event).collect();
    assert_eq!(refused, [1, 4]);
    assert!(refusals[0].message.contains("WRONGTYPE"), "{refusals:?}");
    redis::cmd("DEL").arg(&bad).exec(&mut redis).unwrap();
    assert_eq!(behind(&subject, "a"), ["0", "1", "3"]);
    assert_eq!(behind(&subject, "b"), ["4"]);
    assert_eq!(next_of(&mut *writer, &key(0)), Some(6));
}
