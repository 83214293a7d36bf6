use super::Kafka;
use super::settings::Ports;
use std::thread::{self, ScopedJoinHandle};

/// Several Kafka nodes, which end when this is dropped. With three nodes each partition has three
/// replicas, and an acknowledged record is on two of them, so any one node may be killed.
pub struct Cluster {
    /// Clients of any node know the others, so each works as long as the cluster does.
    pub nodes: Vec<Kafka>,
}

impl Cluster {
    pub(crate) fn new(heap: &'static str, nodes: usize, extra: &[&str]) -> Self {
        let ports: Vec<Ports> = (0..nodes).map(|_| Ports::free()).collect();
        // All at once: a node is up only when most of them are.
        let nodes = thread::scope(|scope| {
            let ports = &ports;
            let node = |id| {
                scope.spawn(move || {
                    let node = Kafka::node(heap, id, ports, extra);
                    node.start();
                    node
                })
            };
            let starting: Vec<_> = (1..=nodes).map(node).collect();
            let started = starting.into_iter().map(ScopedJoinHandle::join);
            started
                .map(|node| node.expect("a node did not start, see above"))
                .collect()
        });
        Cluster { nodes }
    }

    /// The node that leads this partition, once the leader is not `former`.
    pub fn leader(&self, topic: &str, partition: i32, former: Option<&Kafka>) -> &Kafka {
        let former = former.and_then(|former| self.id(former));
        let id = self.nodes[0].leader(topic, partition, former);
        &self.nodes[id - 1]
    }

    fn id(&self, node: &Kafka) -> Option<usize> {
        let index = self.nodes.iter().position(|one| std::ptr::eq(one, node));
        index.map(|index| index + 1)
    }
}
