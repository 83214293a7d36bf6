//! A panic in any thread of an unmodified daemon. The test makes the clock fail in one thread; code
//! that reads the time does not expect that.

use super::LONG;
use millstream_tests::{
    Clock, Daemon, Message, create_topic, produce, request, servers, unique, versioned,
};
use rustix::process::Signal;
use std::fs;
use std::os::unix::process::ExitStatusExt;

/// Makes the clock fail in the thread of this name; `wake` makes that thread read it.
fn ends(thread: &str, wake: impl FnOnce(&Daemon, &str)) {
    let (topic, prefix, clock) = (create_topic("ends", 1), unique("ends"), Clock::right());
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let rest = "name = \"p\"\nworkers = 1\ntransform = { plugin = \"plugins/t.wasm\" }";
    let config = millstream_tests::config(&kafka, &redis, &topic, &prefix, rest);
    let builder = Daemon::builder(&config).clock(&clock);
    let daemon = builder.file("plugins/t.wasm", versioned("one")).start();
    daemon.wait_ready(LONG);
    clock.fail_for(thread);
    wake(&daemon, &topic);
    daemon.wait_exit(LONG);
    let status = daemon.exit_status().unwrap();
    let said = daemon.wait_log("panicked", LONG);
    println!("{thread}: {status}: {said}");
    assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()), "{thread}");
    assert!(said.contains(&format!("thread `{thread}`")), "{said}");
}

#[test]
fn a_panic_in_a_pipelines_thread_ends_the_process() {
    std::thread::scope(|scope| {
        for thread in ["transform-0-p", "ingest-p", "start-p"] {
            scope.spawn(move || ends(thread, |_, _| {}));
        }
        scope.spawn(|| {
            ends("commit-0-p", |_, topic| {
                produce(topic, [Message::new("{}")]);
            });
        });
        scope.spawn(|| {
            ends("swap", |daemon, _| {
                let file = daemon.dir().join("plugins/t.wasm");
                fs::write(file, versioned("two")).unwrap();
            });
        });
    });
}

#[test]
fn a_panic_in_a_thread_of_the_edge_ends_the_process() {
    std::thread::scope(|scope| {
        scope.spawn(|| ends("store", |_, _| {}));
        scope.spawn(|| {
            ends("tokio-rt-worker", |daemon, _| {
                // The daemon may end before it answers.
                request("GET", &daemon.admin(), "/healthz", &[], b"").ok();
            });
        });
    });
}
