//! Records to Kafka: with receipts, one by one with an answer for each, and
//! from the command line.

mod courier;
mod lasting;
mod outbox;
mod sender;

pub use courier::{Courier, NotAcknowledged};
pub use outbox::{Answers, Outbox, Place, Receipts, Sending, Undelivered};
pub use sender::{Receipt, Sender, SenderOptions};
