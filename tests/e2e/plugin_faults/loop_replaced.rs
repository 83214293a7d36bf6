//! A plugin that loops on every record is replaced during the loop.

use super::{Fixture, LONG, counted, error};
use millstream_tests::{Consumed, Daemon, Message, guest, produce, wait_until};
use std::fs;

/// A daemon whose plugin loops, and which has the good version compiled already because it ran
/// before.
struct Looping {
    place: Fixture,
    daemon: Daemon,
    swaps: f64,
}

impl Looping {
    /// One worker; `breaker` is its table.
    fn new(breaker: &str) -> Looping {
        let place = Fixture::new(2);
        let pipeline = format!(
            "workers = 1\ntransform.plugin = \"plugins/p.wasm\"\n[pipeline.breaker]\n{breaker}"
        );
        let daemon = place.daemon(&pipeline, &guest("test-panicking"));
        let mut looping = Looping {
            place,
            daemon,
            swaps: 0.0,
        };
        looping.save("test-hostile");
        looping
    }

    fn save(&mut self, package: &str) {
        let file = self.daemon.dir().join("plugins/p.wasm");
        let aside = file.with_extension("new");
        fs::write(&aside, guest(package)).unwrap();
        fs::rename(&aside, &file).unwrap();
        self.swaps += 1.0;
        wait_until("the swap is complete", LONG, || {
            let done = counted(&self.daemon, "millstream_swaps_total", &["result=\"done\""]);
            (done == self.swaps).then_some(())
        });
    }

    /// Produces records that the plugin loops on, and waits until it does.
    fn loop_on(&self, records: usize) {
        let calls = || counted(&self.daemon, "millstream_plugin_calls_total", &["p.wasm\""]);
        let before = calls();
        let record = |_| Message::new("loop").partition(0);
        produce(&self.place.topic, (0..records).map(record));
        wait_until("the plugin is looping", LONG, || {
            (calls() > before + 2.0).then_some(())
        });
    }

    /// The sources of the events of a partition's records.
    fn stored_of(&self, partition: i32) -> Vec<String> {
        let begin = format!("{}/{partition}/", self.place.topic);
        let stored = self.place.sources("victim").into_iter();
        stored.filter(|source| source.starts_with(&begin)).collect()
    }

    /// Waits until all these records are processed; returns the offsets of those with letters.
    fn all_of(&self, records: usize) -> Vec<usize> {
        let (stored, letters) = wait_until("every record is processed", LONG, || {
            let (stored, letters) = (self.stored_of(0), self.place.letters());
            (stored.len() + letters.len() >= records).then_some((stored, letters))
        });
        let offset = |letter: &Consumed| error(letter, "offset").parse::<usize>().unwrap();
        let cut: Vec<_> = letters.iter().map(offset).collect();
        let rest = (0..records).filter(|n| !cut.contains(n));
        let expected = rest.map(|n| format!("{}/0/{n}/0", self.place.topic));
        assert_eq!(stored, expected.collect::<Vec<_>>(), "once and in order");
        cut
    }
}

#[test]
fn a_loop_on_every_record_does_not_block_others_and_a_fix_applies_at_once() {
    const LOOPS: usize = 400;
    let mut looping = Looping::new("action = \"off\"");
    looping.loop_on(LOOPS);
    let place = &looping.place;
    for n in 1..=2 {
        produce(&place.topic, [Message::new("good").partition(1)]);
        wait_until("the other partition continues", LONG, || {
            (looping.stored_of(1).len() == n).then_some(())
        });
    }
    let meanwhile = place.letters().len();
    assert!(
        meanwhile < LOOPS / 2,
        "{meanwhile} letters: the other partition had to wait"
    );
    looping.save("test-panicking");
    let other = looping.place.sources("victim").len();
    println!("{meanwhile} letters when the others got their turns, {other} events at the fix");
    let cut = looping.all_of(LOOPS);
    println!("{} letters at the end", cut.len());
    assert!(cut.len() < LOOPS / 2, "{} were cut off", cut.len());
    assert_eq!(looping.daemon.terminate(), Some(0));
}

#[test]
fn a_fix_before_the_breaker_opens_leaves_no_letters() {
    const LOOPS: usize = 1024;
    let mut looping = Looping::new("min-records = 1000");
    looping.loop_on(LOOPS);
    looping.save("test-panicking");
    assert!(looping.all_of(LOOPS).is_empty());
    assert_eq!(looping.daemon.terminate(), Some(0));
}

#[test]
fn the_breaker_opens_before_a_loop_on_every_record_makes_a_letter() {
    const LOOPS: usize = 200;
    let looping = Looping::new("min-records = 20");
    looping.loop_on(LOOPS);
    looping
        .daemon
        .wait_log("reverted to the previous plugins", LONG);
    assert!(looping.all_of(LOOPS).is_empty());
    assert_eq!(looping.daemon.terminate(), Some(0));
}
