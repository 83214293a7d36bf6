//! The daemons that this tool starts, and their Kafka.

use millstream_tests::{Daemon, Kafka, config};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

/// Much longer than needed, since the machine may be compiling.
const START: Duration = Duration::from_secs(120);

/// Starts this many edges that serve the streams of this Redis, without Kafka.
pub fn start(count: usize, program: &Path, redis: &str, prefix: &str) -> Vec<Daemon> {
    let config = format!(
        r#"
[store]
url = "{redis}"
key-prefix = "{prefix}"
[http]
listen = "0.0.0.0:0"
allow-unauthenticated = true
[admin]
listen = "127.0.0.1:0"
"#
    );
    let start = |_| {
        Daemon::builder(&config)
            .program(Some(program))
            .role("edge")
            .start()
    };
    let daemons: Vec<Daemon> = (0..count).map(start).collect();
    daemons.iter().for_each(|daemon| daemon.wait_ready(START));
    daemons
}

/// Starts a daemon that also ingests, from the topic with the prefix's name.
pub fn start_whole(program: &Path, redis: &str, prefix: &str) -> Daemon {
    kafka().create_topic_named(prefix, 1, &[]);
    let pipeline = "name = \"load\"";
    let config = config(&kafka().bootstrap(), redis, prefix, prefix, pipeline);
    let daemon = Daemon::builder(&config).program(Some(program)).start();
    daemon.wait_ready(START);
    daemon
}

/// Starts a daemon with a task gateway; workers read this topic.
pub fn start_gateway(program: &Path, redis: &str, prefix: &str, requests: &str) -> Daemon {
    let results = format!("{prefix}-results");
    kafka().create_topic_named(&results, 1, &[]);
    let rest = format!(
        "name = \"results\"\ntransform = {{ plugin = \"bundled:task-results\" }}\n\
         [tasks]\nrequest-topic = \"{requests}\""
    );
    let config = config(&kafka().bootstrap(), redis, &results, prefix, &rest);
    let daemon = Daemon::builder(&config).program(Some(program)).start();
    daemon.wait_ready(START);
    daemon
}

/// Started on first use; stopped when this process ends.
pub fn kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    KAFKA.get_or_init(|| Kafka::new("256m", &[]))
}
