use crate::clock::Clock;
use crate::kafka::{Cluster, Consumed, Kafka, Message, Secured};
use crate::redis_secured::SecuredRedis;
use crate::redis_server::Redis;
use crate::registry::Registry;
use crate::streams::Entry;
use std::collections::BTreeMap;
use std::sync::OnceLock;

pub use crate::kafka::unique;

/// The servers that all tests of this process share. Tests don't disturb each other, since each has
/// its own topics ([`create_topic`]) and key prefix ([`unique`]).
pub struct Servers {
    pub kafka: Kafka,
    pub redis: Redis,
}

impl Servers {
    /// A separate Redis, which the test may stop and kill; it ends when dropped.
    pub fn own_redis(&self, extra: &[&str]) -> Redis {
        Redis::new(extra)
    }

    /// Like [`Servers::own_redis`], with this clock.
    pub fn own_redis_by(&self, clock: &Clock, extra: &[&str]) -> Redis {
        Redis::with_env(extra, clock.env())
    }

    /// A separate Redis that requires TLS and a login.
    pub fn own_redis_secured(&self) -> SecuredRedis {
        SecuredRedis::new()
    }

    /// A separate Kafka, which the test may stop and kill; it ends when dropped. `extra` are
    /// further lines of its `server.properties`.
    pub fn own_kafka(&self, extra: &[&str]) -> Kafka {
        Kafka::new("256m", extra)
    }

    /// A separate Kafka with access rules ([`Kafka::acl`]). Everyone may do what no rule is about.
    pub fn own_kafka_with_rules(&self) -> Kafka {
        self.own_kafka(&[
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found=true",
        ])
    }

    /// A separate Kafka that requires TLS and a login at its second listener.
    pub fn own_kafka_secured(&self) -> (Kafka, Secured) {
        Kafka::secured("256m")
    }

    /// A separate Kafka of three nodes, any one of which may be killed; it ends when dropped. It
    /// takes 200 MiB for each node and ten seconds to start: only for tests that need it.
    pub fn own_cluster(&self) -> Cluster {
        Cluster::new("256m", 3, &[])
    }
}

/// The shared servers. The first caller starts them; the others wait.
pub fn servers() -> &'static Servers {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    SERVERS.get_or_init(|| {
        std::thread::scope(|scope| {
            let redis = scope.spawn(|| Redis::new(&[]));
            let kafka = Kafka::new("512m", &[]);
            let redis = redis.join().expect("Redis did not start, see above");
            Servers { kafka, redis }
        })
    })
}

/// The schema registry that all tests of this process share. The first caller starts it.
pub fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(Registry::new)
}

/// Creates a topic in the shared Kafka; returns its unique name, `base` with a number.
pub fn create_topic(base: &str, partitions: i32) -> String {
    servers().kafka.create_topic(base, partitions)
}

/// Deletes a topic of the shared Kafka.
pub fn delete_topic(name: &str) {
    servers().kafka.delete_topic(name);
}

/// Produces to the shared Kafka and returns when it has all records.
pub fn produce(topic: &str, messages: impl IntoIterator<Item = Message>) {
    servers().kafka.produce(topic, messages);
}

/// Reads a topic of the shared Kafka from its beginning to its end.
pub fn read_all(topic: &str) -> Vec<Consumed> {
    servers().kafka.read_all(topic)
}

/// Every client's stream under this key prefix in the shared Redis.
pub fn streams(prefix: &str) -> BTreeMap<String, Vec<Entry>> {
    servers().redis.streams(prefix)
}
