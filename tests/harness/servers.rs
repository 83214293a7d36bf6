use crate::clock::Clock;
use crate::kafka::{Cluster, Consumed, Kafka, Message, Secured};
use crate::redis_secured::SecuredRedis;
use crate::redis_server::Redis;
use crate::streams::Entry;
use std::collections::BTreeMap;
use std::sync::OnceLock;

pub use crate::kafka::unique;

/// The servers that every test of this process shares. Tests don't disturb each other, since each
/// has its own topics ([`create_topic`]) and its own key prefix ([`unique`]).
pub struct Servers {
    pub kafka: Kafka,
    pub redis: Redis,
}

impl Servers {
    /// A Redis of one's own, to be stopped and killed; gone when it is dropped.
    pub fn own_redis(&self, extra: &[&str]) -> Redis {
        Redis::new(extra)
    }

    /// As [`Servers::own_redis`], living by this clock.
    pub fn own_redis_by(&self, clock: &Clock, extra: &[&str]) -> Redis {
        Redis::with_env(extra, clock.env())
    }

    /// A Redis of one's own that wants TLS and a login.
    pub fn own_redis_secured(&self) -> SecuredRedis {
        SecuredRedis::new()
    }

    /// A Kafka of one's own, to be stopped and killed; gone when it is dropped.
    /// `extra` are further lines of its `server.properties`.
    pub fn own_kafka(&self, extra: &[&str]) -> Kafka {
        Kafka::new("256m", extra)
    }

    /// A Kafka of one's own that heeds rules ([`Kafka::acl`]). What no rule is about is allowed to
    /// everyone.
    pub fn own_kafka_with_rules(&self) -> Kafka {
        self.own_kafka(&[
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found=true",
        ])
    }

    /// A Kafka of one's own that wants TLS and a login at its second listener.
    pub fn own_kafka_secured(&self) -> (Kafka, Secured) {
        Kafka::secured("256m")
    }

    /// A Kafka of three nodes of one's own, any one of which may be killed; gone when it is dropped.
    /// It takes 200 MiB a node and ten seconds to start: for those tests only that need it.
    pub fn own_cluster(&self) -> Cluster {
        Cluster::new("256m", 3, &[])
    }
}

/// The shared servers, started by whoever asks first; the others wait.
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

/// Creates a topic in the shared Kafka; returns its unique name, `base` with a number.
pub fn create_topic(base: &str, partitions: i32) -> String {
    servers().kafka.create_topic(base, partitions)
}

/// Deletes a topic of the shared Kafka.
pub fn delete_topic(name: &str) {
    servers().kafka.delete_topic(name);
}

/// Produces to the shared Kafka and returns when it has all of it.
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
