//! How the node is configured: as small and as quick to start as it goes, with Kafka's own defaults
//! for whatever a test could notice (`message.max.bytes` among them).

use std::path::Path;

/// Any 16 bytes in base64url.
pub(super) const CLUSTER_ID: &str = "MkU3OEVBNTcwNTJENDM2Qk";

pub(super) const LOG4J: &str = r#"
Configuration:
  Appenders: {Console: {name: OUT, PatternLayout: {pattern: "%d{HH:mm:ss.SSS} %p %c{1} %m%n"}}}
  Loggers: {Root: {level: INFO, AppenderRef: {ref: OUT}}}
"#;

/// The session time-outs let a test use short ones, so that a killed consumer is soon forgotten.
const FIXED: &str = "
process.roles=broker,controller
node.id=1
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=1000
group.consumer.min.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=2
background.threads=2
log.cleaner.dedupe.buffer.size=8388608
";

/// A whole `server.properties`; a later line beats an earlier one.
pub(super) fn properties(dir: &Path, port: u16, controller: u16, extra: &[&str]) -> String {
    format!(
        "listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         log.dirs={}\n{FIXED}{}\n",
        dir.join("data").display(),
        extra.join("\n")
    )
}
