//! Bad plugins saved under load, and how the circuit breaker handles them.

use super::{LONG, config, note, wait_for, wait_said};
use millstream_tests::{Consumed, Daemon, metrics, produce, read_all, servers, unique, wait_until};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;

/// It fails every record: the field does not exist.
const BAD: &str = r#"config = { client = "/no/such/field" }"#;

/// The number of records after which the breaker decides.
const MIN_RECORDS: usize = 20;

struct Rig {
    daemon: Daemon,
    topic: String,
    prefix: String,
}

fn rig(action: &str) -> Rig {
    let (kafka, redis) = (&servers().kafka, &servers().redis);
    let (topic, prefix) = (kafka.create_topic("breaker", 1), unique("breaker"));
    kafka.create_topic_named(&format!("{topic}-dlq"), 1, &[]);
    let more = format!("[pipeline.breaker]\naction = \"{action}\"\nmin-records = {MIN_RECORDS}");
    let text = config(&kafka.bootstrap(), &redis.url(), &topic, &prefix, &more);
    let daemon = Daemon::ready(&text);
    Rig {
        daemon,
        topic,
        prefix,
    }
}

impl Rig {
    /// Saves a configuration with a transform that fails on everything.
    fn break_it(&self) {
        self.edit(
            "\"bundled:notifications\"",
            &format!("\"bundled:by-field\", {BAD}"),
        );
    }

    fn mend_it(&self) {
        self.edit(
            &format!("\"bundled:by-field\", {BAD}"),
            "\"bundled:notifications\"",
        );
    }

    /// Checks that each record's event is stored once and in order, but for the few that came alone
    /// after one of so many bad saves: before it has seen `min-records` the breaker decides nothing.
    fn check_all(&self, made: i64, bad_saves: usize) {
        let all = wait_for(&servers().redis, &self.prefix, made - 1);
        let letters = read_all(&format!("{}-dlq", self.topic));
        let offset = |letter: &Consumed| {
            let offset = letter.header("millstream.error.offset");
            offset
                .and_then(|offset| offset.parse::<i64>().ok())
                .unwrap()
        };
        let failed: Vec<i64> = letters.iter().map(offset).collect();
        println!("{made} records, {} dead letters", failed.len());
        assert!(
            failed.len() < bad_saves * MIN_RECORDS,
            "the batch that opened it was processed again: {failed:?}"
        );
        let expected: Vec<i64> = (0..made).filter(|n| !failed.contains(n)).collect();
        assert_eq!(all, expected, "once and in order");
    }

    fn edit(&self, from: &str, to: &str) {
        let path = self.daemon.dir().join("millstream.toml");
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(from), "{text}");
        self.daemon.set_config(&text.replace(from, to));
        self.daemon.hup();
    }
}

/// Produces without a pause while `during` runs, in batches large enough to be judged. Returns the
/// number of records produced.
fn under_load(topic: &str, during: impl FnOnce(&AtomicI64)) -> i64 {
    let (made, over) = (AtomicI64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let from = made.load(Ordering::Relaxed);
                produce(topic, (from..from + 200).map(note));
                made.store(from + 200, Ordering::Relaxed);
            }
        });
        during(&made);
        over.store(true, Ordering::Relaxed);
    });
    made.into_inner()
}

#[test]
fn a_bad_plugin_saved_under_load_is_reverted_without_losing_records() {
    let rig = rig("previous");
    let admin = rig.daemon.admin();
    let undone = |times: f64| {
        wait_until("the swap is reverted", LONG, || {
            let done = metrics(&admin).sum("millstream_swaps_total", &["result=\"undone\""]);
            (done == times).then_some(())
        });
    };
    let made = under_load(&rig.topic, |made| {
        wait_until("records flow", LONG, || {
            (made.load(Ordering::Relaxed) > 400).then_some(())
        });
        rig.break_it();
        undone(1.0);
        let line = rig
            .daemon
            .wait_log("reverted to the previous plugins", LONG);
        println!("{line}");
        // The same bad configuration again, now requested by a signal.
        rig.daemon.hup();
        undone(2.0);
        let then = made.load(Ordering::Relaxed);
        wait_until("records keep flowing", LONG, || {
            (made.load(Ordering::Relaxed) > then + 400).then_some(())
        });
    });
    rig.check_all(made, 2);
    rig.daemon.wait_ready(LONG);
}

#[test]
fn a_breaker_that_halts_the_pipeline_waits_for_other_plugins() {
    let rig = rig("halt");
    let made = under_load(&rig.topic, |made| {
        wait_until("records flow", LONG, || {
            (made.load(Ordering::Relaxed) > 400).then_some(())
        });
        rig.break_it();
        let why = wait_said(
            &rig.daemon,
            &["records failed after the swap", "halted until"],
        );
        println!("{why}");
        assert!(!why.contains("others are live"), "none are: {why}");
        let waits = metrics(&rig.daemon.admin());
        assert!(waits.sum("millstream_waits_total", &["on=\"plugins\""]) >= 1.0);
    });
    rig.mend_it();
    rig.check_all(made, 1);
    rig.daemon.wait_ready(LONG);
}
