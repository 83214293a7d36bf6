//! Kafka. Only this folder uses rdkafka.
//!
//! `consumer` reads a pipeline's topics with its consumer group; `producer`
//! writes records and waits for their acknowledgement; `reader` and `admin` serve
//! the command line. It deliberately does not know ledgers, plugins or stores.
//!
//! The command-line part promises a clear answer or a clear error within seconds.
//! A record that was not acknowledged is never reported as sent, and one that was
//! not shown is never committed. Answers are plain data.

mod admin;
mod asking;
mod cluster_error;
mod connection;
pub mod consumer;
mod membership;
mod missing;
pub mod mock;
pub(crate) mod native;
mod offset_spec;
pub mod producer;
mod reader;
pub mod scan;
mod settings;

pub use admin::configs::{Config, ConfigChange};
pub use admin::group::{Group, GroupOffset, Listed, Member};
pub use admin::groups::Listing;
pub use admin::offsets::Ends;
pub use admin::reset::{Move, Wanted};
pub use admin::topic_changes::NewTopic;
pub use admin::topics::{Partition, Topic};
pub use cluster_error::ClusterError;
pub use connection::Connection;
pub use membership::{Membership, default_state};
pub use missing::{making, no_topic};
pub use native::produce::Placing;
pub use offset_spec::OffsetSpec;
pub use reader::reading::{Begin, Reading};
pub use reader::topic_reader::{Reader, Step};
pub use settings::{KafkaSettings, PropertyError, check_property};

/// The version of librdkafka.
pub fn librdkafka_version() -> String {
    let (_, version) = rdkafka::util::get_rdkafka_version();
    version
}
