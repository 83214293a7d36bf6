//! Kafka at hand: topics, records and groups for people at a command line.
//!
//! Promises: a clear answer or a clear error within seconds; what was not
//! acknowledged is never called sent, and what was not shown is never
//! committed. Answers are plain data: whoever asks prints them. Beside
//! `ingest`, whose calls it shares, it alone names rdkafka. It deliberately
//! knows nothing of pipelines, plugins or stores.

mod call;
mod configs;
mod connection;
mod consume;
mod failure;
mod group_answers;
mod groups;
mod member;
mod offsets;
mod produce;
mod reading;
mod reset;
pub mod scan;
mod topic_changes;
mod topics;

pub use configs::{Config, ConfigChange};
pub use connection::Connection;
pub use consume::{Reader, Step};
pub use failure::Failure;
pub use groups::{Group, Listed, Listing, Member, Standing};
pub use offsets::{Ends, Place};
pub use produce::{Receipt, Sender, Sending};
pub use reading::{Begin, Reading};
pub use reset::{Move, Wanted};
pub use topic_changes::NewTopic;
pub use topics::{Partition, Topic};
