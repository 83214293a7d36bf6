//! What the daemon tells systemd.

use super::{LONG, Systemd};
use millstream_tests::{Daemon, Redis, config, create_topic, get, servers, unique};

#[test]
fn systemd_is_told_of_start_waits_and_stop() {
    let (systemd, redis) = (Systemd::new(), Redis::new(&[]));
    let (topic, prefix) = (create_topic("told", 1), unique("told"));
    let text = config(
        &servers().kafka.bootstrap(),
        &redis.url(),
        &topic,
        &prefix,
        "name = \"p\"",
    );
    redis.kill();
    let daemon = Daemon::builder(&text)
        .env("NOTIFY_SOCKET", systemd.path.to_str().unwrap())
        .start();
    systemd.wait_for(|told| told == "READY=1");
    // The listeners answer, although Redis is away.
    assert_eq!(get(&daemon.admin(), "/healthz").status, 200);
    let waiting = systemd.wait_for(|told| told.contains("the store does not answer"));
    assert!(waiting.starts_with("STATUS=waiting: "), "{waiting}");
    redis.start();
    systemd.wait_for(|told| told == "STATUS=running");
    daemon.wait_ready(LONG);
    assert_eq!(daemon.terminate(), Some(0));
    systemd.wait_for(|told| told == "STOPPING=1");
}
