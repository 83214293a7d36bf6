use millstream_tests::{Daemon, Kafka, config};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

/// Much more than it takes, since the machine may be compiling.
const START: Duration = Duration::from_secs(120);

/// Starts so many daemons that serve the streams of this Redis: the one place that knows how.
///
/// A daemon wants a Kafka and a pipeline, so they get both; the topic is named as the prefix, and
/// has no records unless a measurement makes some. Daemons of a role that does without Kafka need
/// another configuration here, and nothing else.
pub fn start(count: usize, program: Option<&Path>, redis: &str, prefix: &str) -> Vec<Daemon> {
    kafka().create_topic_named(prefix, 1, &[]);
    let pipeline = "name = \"load\"";
    let config = config(&kafka().bootstrap(), redis, prefix, prefix, pipeline);
    let start = |_| Daemon::builder(&config).program(program).start();
    let daemons: Vec<Daemon> = (0..count).map(start).collect();
    daemons.iter().for_each(|daemon| daemon.wait_ready(START));
    daemons
}

/// Started when it is first wanted; gone when we are.
pub fn kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    KAFKA.get_or_init(|| Kafka::new("256m", &[]))
}
