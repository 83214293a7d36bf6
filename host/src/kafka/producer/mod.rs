//! Writes records to Kafka: with receipts, with an awaited answer for each, and
//! from the command line.

mod confirmed;
mod plain;
mod receipts;
mod self_healing;
mod sender;

pub use confirmed::{ConfirmedProducer, NotAcknowledged};
pub use plain::{Producer, Sending};
pub use receipts::{Answers, Receipts, RecordPosition, Undelivered};
pub use sender::{SendResult, Sender, SenderOptions};
