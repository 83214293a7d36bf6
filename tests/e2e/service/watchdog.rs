//! The watchdog: fed whatever the daemon waits for, and not by one that hangs.

use super::{LONG, Systemd};
use millstream_tests::{
    Daemon, Kafka, Message, Redis, config, create_topic, produce, servers, streams, unique,
    wait_until,
};
use rustix::process::Signal;
use std::fs;
use std::time::{Duration, Instant};

/// Beyond the time after which a thread counts as hanging.
const FROZEN: Duration = Duration::from_secs(75);
/// The unit's `WatchdogSec`, shorter.
const LIMIT: Duration = Duration::from_secs(5);

fn supervised(systemd: &Systemd, text: &str) -> Daemon {
    let limit = LIMIT.as_micros().to_string();
    let daemon = Daemon::builder(text)
        .env("NOTIFY_SOCKET", systemd.path.to_str().unwrap())
        .env("WATCHDOG_USEC", &limit)
        .start();
    daemon.wait_ready(LONG);
    daemon
}

/// Two pipelines: one stores, the other one asks first who is connected.
fn two_pipelines(kafka: &Kafka, redis: &Redis) -> ([String; 2], String) {
    let [plain, asking] = [(); 2].map(|()| kafka.create_topic("frozen", 8));
    // Small batches, so that there are more of them than there is room for.
    let rest = format!(
        r#"
name = "plain"
workers = 1
batch = {{ max-records = 5 }}
[[pipeline]]
name = "asking"
topics = [{asking:?}]
deliver = "while-connected"
"#
    );
    let prefix = unique("frozen");
    let text = config(&kafka.bootstrap(), &redis.url(), &plain, &prefix, &rest);
    ([plain, asking], text)
}

fn fill(kafka: &Kafka, topics: &[String]) {
    for topic in topics {
        let record = |n: i32| {
            Message::new(n.to_string())
                .key(format!("c{n}"))
                .partition(n % 8)
        };
        kafka.produce(topic, (0..800).map(record));
    }
}

/// Checks that the watchdog is fed all the time.
fn is_fed_meanwhile(systemd: &Systemd, daemon: &Daemon) {
    let (frozen, mut fed) = (Instant::now(), 0);
    while frozen.elapsed() < FROZEN {
        assert!(
            systemd.is_fed(LIMIT),
            "not fed within {LIMIT:?}, after {fed} times"
        );
        fed += 1;
    }
    println!("fed {fed} times in {FROZEN:?}");
    assert!(!daemon.log_contains("a thread hangs"));
}

#[test]
fn a_frozen_redis_does_not_starve_the_watchdog() {
    let (systemd, redis, kafka) = (Systemd::new(), Redis::new(&[]), &servers().kafka);
    let (topics, text) = two_pipelines(kafka, &redis);
    let daemon = supervised(&systemd, &text);
    redis.pause();
    fill(kafka, &topics);
    is_fed_meanwhile(&systemd, &daemon);
    redis.resume();
    daemon.wait_ready(LONG);
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn a_frozen_kafka_does_not_starve_the_watchdog() {
    let (systemd, kafka) = (Systemd::new(), Kafka::new("192m", &[]));
    let (topics, text) = two_pipelines(&kafka, &servers().redis);
    let daemon = supervised(&systemd, &text);
    fill(&kafka, &topics);
    kafka.pause();
    is_fed_meanwhile(&systemd, &daemon);
    kafka.resume();
    daemon.wait_ready(LONG);
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn a_thread_that_hangs_starves_the_watchdog_and_a_restart_goes_on() {
    let systemd = Systemd::new();
    let (topic, prefix) = (create_topic("hangs", 1), unique("hangs"));
    let rest = "name = \"p\"\nworkers = 1";
    let (kafka, redis) = (servers().kafka.bootstrap(), servers().redis.url());
    let mut daemon = supervised(&systemd, &config(&kafka, &redis, &topic, &prefix, rest));
    produce(&topic, [Message::new("1").key("ada")]);
    let stored = |count: usize| {
        wait_until("the events are stored", LONG, || {
            let stored = streams(&prefix).remove("ada").unwrap_or_default();
            (stored.len() == count).then_some(())
        });
    };
    stored(1);
    let frozen = Frozen::thread(daemon.pid(), "transform");
    produce(&topic, [Message::new("2").key("ada")]);
    // Until it is not fed for long enough that systemd restarts it.
    let end = Instant::now() + LONG;
    while systemd.is_fed(LIMIT) {
        assert!(Instant::now() < end, "the watchdog is still fed");
    }
    assert!(daemon.log_contains("a thread hangs"));
    // As systemd does it, then.
    daemon.signal(Signal::KILL);
    drop(frozen);
    daemon.wait_exit(LONG);
    daemon.restart();
    daemon.wait_ready(LONG);
    stored(2);
    assert_eq!(daemon.terminate(), Some(0));
}

/// A thread of another program that does not run until this is dropped, on the same thread.
struct Frozen(libc::pid_t);

impl Frozen {
    /// The first thread whose name begins so.
    fn thread(pid: u32, name: &str) -> Frozen {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let named = |path: &std::path::Path| {
            fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.starts_with(name))
        };
        let mut tasks = tasks.map(|task| task.unwrap().path());
        let task = tasks.find(|path| named(path)).expect("the thread is there");
        let id: libc::pid_t = task.file_name().unwrap().to_str().unwrap().parse().unwrap();
        let none = std::ptr::null_mut::<libc::c_void>();
        // SAFETY: these calls take no memory of ours. The program is our child, so we may.
        unsafe {
            assert_eq!(
                libc::ptrace(libc::PTRACE_SEIZE, id, none, none),
                0,
                "PTRACE_SEIZE"
            );
            assert_eq!(
                libc::ptrace(libc::PTRACE_INTERRUPT, id, none, none),
                0,
                "PTRACE_INTERRUPT"
            );
            let mut status = 0;
            assert_eq!(libc::waitpid(id, &raw mut status, libc::__WALL), id);
        }
        Frozen(id)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let none = std::ptr::null_mut::<libc::c_void>();
        // SAFETY: as above. A thread that was killed is seen off here, by who has stopped it.
        unsafe {
            if libc::ptrace(libc::PTRACE_DETACH, self.0, none, none) != 0 {
                libc::waitpid(self.0, std::ptr::null_mut(), libc::__WALL);
            }
        }
    }
}
