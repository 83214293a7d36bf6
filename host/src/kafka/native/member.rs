//! Whether a consumer is a member of its group.

use super::ask::Kafka;
use rdkafka::bindings as sys;

/// Whether the group's coordinator gave this consumer a member ID. librdkafka forgets the ID when
/// it sends the request to leave.
///
/// # Safety
/// `kafka` is a live client.
pub(in crate::kafka) unsafe fn is_member(kafka: Kafka) -> bool {
    // SAFETY: by this function's safety contract; the answer is null or a C string, which we
    // must free.
    unsafe {
        let id = sys::rd_kafka_memberid(kafka);
        if id.is_null() {
            return false;
        }
        let is = *id != 0;
        sys::rd_kafka_mem_free(kafka, id.cast());
        is
    }
}
