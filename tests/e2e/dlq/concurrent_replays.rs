//! Several replays of the same letters at the same time.

use super::{Fixture, LONG, MENDED, check_sum, note, notes, number};
use millstream_tests::{Daemon, Message, produce, read_all, servers, wait_until};
use serde_json::Value;

#[test]
fn concurrent_replays_replay_each_letter_once() {
    let place = Fixture::new(2);
    place.fail(notes(4_000));
    let config = place.config(MENDED, "");
    let replays = [0, 1, 2].map(|_| place.start(&config, &["replay", "--yes", "--json"]));
    let reports = replays.map(|(replay, out)| {
        assert!(replay.wait_exit("a replay", LONG).success());
        let text = std::fs::read_to_string(out).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()
    });
    reports.iter().for_each(check_sum);
    let of = |name| {
        reports
            .iter()
            .map(|report| number(report, name))
            .sum::<u64>()
    };
    println!(
        "{:?}",
        reports.each_ref().map(|report| number(report, "replayed"))
    );
    assert_eq!((of("replayed"), of("before")), (4_000, 8_000));
    assert_eq!(of("streamed"), 4_000, "the reports match the stored events");
    let mut sources = place.sources();
    sources.dedup();
    assert_eq!((sources.len(), place.entries().len()), (4_000, 4_000));
}

#[test]
fn letters_produced_by_hand_during_a_replay_are_the_same_records() {
    let place = Fixture::new(2);
    place.fail(notes(1_500));
    let config = place.config(MENDED, "replays = true");
    let daemon = Daemon::ready(&config);
    // Produced by hand with all headers, while the command does the same.
    let copies = read_all(&place.dead).into_iter().map(|letter| {
        let message = Message::new(letter.value.unwrap());
        let headers = letter.headers.into_iter();
        headers.fold(message, |m, (name, value)| m.header(&name, value.unwrap()))
    });
    let copies: Vec<_> = copies.collect();
    std::thread::scope(|scope| {
        scope.spawn(|| produce(&place.topic, copies));
        let (done, _) = place.replay(&config, &["--yes"]);
        check_sum(&done);
        println!("the command replayed {}", number(&done, "replayed"));
    });
    produce(
        &place.topic,
        [note("last", 0).partition(0), note("last", 1).partition(1)],
    );
    wait_until("the daemon has processed every record", LONG, || {
        let last = servers().redis.streams(&place.prefix).remove("last");
        (last?.len() == 2).then_some(())
    });
    let entries = place.entries();
    let mut sources = place.sources();
    sources.dedup();
    assert_eq!((entries.len(), sources.len()), (1_502, 1_502));
    drop(daemon);
}
