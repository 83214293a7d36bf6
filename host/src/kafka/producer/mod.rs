//! Records to Kafka: with receipts, one by one with an answer for each, and
//! from the command line.

mod courier;
mod lasting;
mod plain;
mod receipts;
mod sender;

pub use courier::{Courier, NotAcknowledged};
pub use plain::{Producer, Sending};
pub use receipts::{Answers, Receipts, RecordPosition, Undelivered};
pub use sender::{Receipt, Sender, SenderOptions};
