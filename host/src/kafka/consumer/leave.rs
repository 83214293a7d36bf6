//! How a static member leaves its group.

use super::context::Context;
use crate::kafka::native::member::is_member;
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::time::{Duration, Instant};

/// The time limit for sending the request to leave. It is within the time that closing the consumer
/// may take.
const LEAVE: Duration = Duration::from_secs(3);

/// Gives up the partitions and leaves, so that other members get them at once.
///
/// Closing the consumer does not do that: librdkafka has a static member stay until its session
/// times out. A consumer that unsubscribes leaves, once its partitions are given up.
pub(super) fn leave(consumer: &BaseConsumer<Context>) {
    consumer.unsubscribe();
    let deadline = Instant::now() + LEAVE;
    // SAFETY: the consumer lives.
    while unsafe { is_member(consumer.client().native_ptr()) } && Instant::now() < deadline {
        let _ = consumer.poll(Duration::from_millis(5));
    }
}
