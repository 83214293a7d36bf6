use super::Kafka;
use super::settings::Ports;
use std::thread::{self, ScopedJoinHandle};

/// Several nodes that are one Kafka; gone when it is dropped. With three of them each partition has
/// three copies, and two must have what is acknowledged: any one may be killed.
pub struct Cluster {
    /// Any of them answers for all, also while it is down itself: its clients know the others.
    pub nodes: Vec<Kafka>,
}

impl Cluster {
    pub(crate) fn new(heap: &'static str, nodes: usize, extra: &[&str]) -> Self {
        let ports: Vec<Ports> = (0..nodes).map(|_| Ports::free()).collect();
        // All at once: none is up before most of them are.
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

    /// The node that leads this partition, as soon as there is one that is not `former`.
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
