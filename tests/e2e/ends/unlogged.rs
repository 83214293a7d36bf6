//! A log that can't be written: its reader is gone or does not read, or its disk is full.

use super::LONG;
use millstream_tests::{
    Daemon, Message, Process, Redis, create_topic, free_port, get, metrics, produce, scratch_dir,
    servers, unique, wait_until,
};
use rustix::fs::{OFlags, fcntl_setfl};
use serde_json::json;
use std::fs::{self, File};
use std::io::{PipeReader, PipeWriter, Write};
use std::process::Stdio;

const EVENTS: usize = 100;

struct Scene {
    topic: String,
    prefix: String,
    admin: String,
    config: String,
}

impl Scene {
    fn new(redis: &Redis) -> Scene {
        let (topic, prefix) = (create_topic("unlogged", 4), unique("unlogged"));
        let rest = "name = \"p\"\ntransform = { plugin = \"bundled:notifications\" }";
        let kafka = servers().kafka.bootstrap();
        let config = millstream_tests::config(&kafka, &redis.url(), &topic, &prefix, rest);
        // A fixed port, as the log can't report it.
        let admin = format!("127.0.0.1:{}", free_port());
        let listen = format!("[admin]\nlisten = \"{admin}\"");
        let config = config.replace("[admin]\nlisten = \"127.0.0.1:0\"", &listen);
        Scene {
            topic,
            prefix,
            admin,
            config,
        }
    }

    fn produce(&self) {
        let record = |n: usize| {
            let value = json!({
                "eventId": n.to_string(), "clientId": "c", "eventType": "t", "message": "m"
            });
            Message::new(value.to_string()).partition((n % 4) as i32)
        };
        produce(&self.topic, (0..EVENTS).map(record));
    }

    fn waits_for_redis(&self) -> bool {
        let answer = get(&self.admin, "/readyz");
        let waits = metrics(&self.admin).sum("millstream_waits_total", &["on=\"store\""]);
        answer.status == 503 && waits > 3.0
    }

    fn wait_stored(&self, redis: &Redis) {
        wait_until("all events are stored", LONG, || {
            let streams = redis.streams(&self.prefix);
            (streams.get("c")?.len() == EVENTS).then_some(())
        });
    }

    fn dropped(&self) -> f64 {
        metrics(&self.admin).sum("millstream_log_lines_dropped_total", &[])
    }
}

#[test]
fn all_events_arrive_without_a_log_reader_and_after_a_redis_outage() {
    let redis = servers().own_redis(&[]);
    let scene = Scene::new(&redis);
    let daemon = Daemon::builder(&scene.config).log_until(" running").start();
    daemon.wait_ready(LONG);
    wait_until("the log has no reader", LONG, || {
        daemon.log().has_ended().then_some(())
    });
    redis.kill();
    scene.produce();
    wait_until("the daemon waits for Redis", LONG, || {
        scene.waits_for_redis().then_some(())
    });
    redis.start();
    scene.wait_stored(&redis);
    daemon.wait_ready(LONG);
    assert!(scene.dropped() > 0.0, "dropped lines are counted");
    assert_eq!(daemon.terminate(), Some(0));
}

#[test]
fn all_events_arrive_with_a_log_on_a_full_disk_or_in_a_full_pipe() {
    let full = Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let (_reader, writer) = full_pipe();
    std::thread::scope(|scope| {
        scope.spawn(|| runs("a full disk", full));
        scope.spawn(|| runs("a reader that does not read", writer.into()));
    });
}

/// A pipe that is full until someone reads it.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    while writer.write_all(&[b'x'; 4096]).is_ok() {}
    fcntl_setfl(&writer, OFlags::empty()).unwrap();
    (reader, writer)
}

fn runs(what: &str, stderr: Stdio) {
    let scene = Scene::new(&servers().redis);
    let file = scratch_dir("unlogged").join("millstream.toml");
    fs::write(&file, &scene.config).unwrap();
    let mut command = Process::command(&Daemon::program());
    command.arg("run").arg("-c").arg(&file);
    command.stderr(stderr);
    let process = Process::start(command);
    wait_until(&format!("{what}: the daemon answers"), LONG, || {
        let status = process.exit_status();
        assert!(status.is_none(), "{what}: the daemon ended: {status:?}");
        std::net::TcpStream::connect(&scene.admin).ok()
    });
    scene.produce();
    scene.wait_stored(&servers().redis);
    wait_until(&format!("{what}: dropped lines are counted"), LONG, || {
        (scene.dropped() > 0.0).then_some(())
    });
    assert_eq!(process.exit_status(), None, "{what}");
}
