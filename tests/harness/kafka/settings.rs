//! The configuration of a node: small and quick to start, but with Kafka's defaults for anything
//! that a test could notice (such as `message.max.bytes`).

use crate::ports::free_port;
use std::path::Path;

/// Any 16 bytes in base64url, different for each cluster.
pub(super) fn cluster_id(nodes: &[Ports]) -> String {
    format!("MkU3OEVBNTcwNTJE{:05}A", nodes[0].controller)
}

pub(super) const LOG4J: &str = r#"
Configuration:
  Appenders: {Console: {name: OUT, PatternLayout: {pattern: "%d{HH:mm:ss.SSS} %p %c{1} %m%n"}}}
  Loggers: {Root: {level: INFO, AppenderRef: {ref: OUT}}}
"#;

/// The minimum session timeouts let a test use short ones, so that a killed consumer is soon
/// removed.
const FIXED: &str = "
process.roles=broker,controller
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LINKED:PLAINTEXT,SECURED:SASL_SSL
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
auto.create.topics.enable=false
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
share.coordinator.state.topic.num.partitions=4
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

/// The ports of one node.
#[derive(Clone, Copy)]
pub(super) struct Ports {
    client: u16,
    controller: u16,
}

impl Ports {
    pub fn free() -> Self {
        Ports {
            client: free_port(),
            controller: free_port(),
        }
    }

    /// The lines for a further listener of this name, which clients reach at this address.
    pub fn and(&self, name: &str, port: u16, address: &str) -> [String; 2] {
        let Ports { client, controller } = self;
        [
            format!(
                "listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller},\
                 {name}://127.0.0.1:{port}"
            ),
            format!("advertised.listeners=PLAINTEXT://127.0.0.1:{client},{name}://{address}"),
        ]
    }
}

/// The number of replicas of each partition: three with at least three nodes, and an acknowledged
/// record is then on two of them.
pub(super) fn replication(nodes: &[Ports]) -> i32 {
    if nodes.len() < 3 { 1 } else { 3 }
}

/// The value of `bootstrap.servers`.
pub(super) fn bootstrap(nodes: &[Ports]) -> String {
    let address = |node: &Ports| format!("127.0.0.1:{}", node.client);
    nodes.iter().map(address).collect::<Vec<_>>().join(",")
}

/// A complete `server.properties` for node `id`, counted from 1; later lines override earlier ones.
pub(super) fn properties(dir: &Path, id: usize, nodes: &[Ports], extra: &[&str]) -> String {
    let Ports { client, controller } = nodes[id - 1];
    let voter = |(id, node): (usize, &Ports)| format!("{id}@127.0.0.1:{}", node.controller);
    let voters: Vec<String> = (1..).zip(nodes).map(voter).collect();
    format!(
        "node.id={id}\n\
         listeners=PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{client}\n\
         controller.quorum.voters={}\n\
         log.dirs={}\n{FIXED}{}{}\n",
        voters.join(","),
        dir.join("data").display(),
        copies(replication(nodes)),
        extra.join("\n")
    )
}

/// The replicas of Kafka's internal topics and of others.
fn copies(replication: i32) -> String {
    let in_sync = (replication + 1) / 2;
    format!(
        "min.insync.replicas={in_sync}\n\
         offsets.topic.replication.factor={replication}\n\
         transaction.state.log.replication.factor={replication}\n\
         transaction.state.log.min.isr={in_sync}\n\
         share.coordinator.state.topic.replication.factor={replication}\n\
         share.coordinator.state.topic.min.isr={in_sync}\n"
    )
}
