//! Passes a record to librdkafka. rdkafka takes header names only as text, but a
//! dead letter must keep the header names of its record.

use super::headers::Native;
use crate::record::Outgoing;
use rdkafka::bindings::{self as sys, rd_kafka_vtype_t as vtype};
use rdkafka::client::Client;
use rdkafka::error::{IsError, RDKafkaErrorCode};
use rdkafka::producer::ProducerContext;
use rdkafka::util::IntoOpaque;
use std::ffi::{CString, c_void};
use std::ptr;

/// Properties of a record that a producer may leave to Kafka.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placing {
    /// The partition; otherwise chosen by the key, or at random.
    pub partition: Option<i32>,
    /// Milliseconds since 1970-01-01 UTC; otherwise now.
    pub timestamp: Option<i64>,
}

/// Puts a record into the producer's queue. [`ProducerContext::delivery`] gets
/// `receipt`; if the record is not queued, `receipt` is returned.
pub(crate) fn produce<C: ProducerContext>(
    client: &Client<C>,
    outgoing: &Outgoing,
    placing: Placing,
    receipt: C::DeliveryOpaque,
) -> Result<(), (RDKafkaErrorCode, C::DeliveryOpaque)> {
    let Ok(topic) = CString::new(outgoing.topic.as_str()) else {
        return Err((RDKafkaErrorCode::InvalidTopic, receipt));
    };
    let (key, key_size) = parts(outgoing.key.as_deref());
    let (value, value_size) = parts(outgoing.value.as_deref());
    let headers = Native::new(&outgoing.headers);
    let partition = placing.partition.unwrap_or(ANY_PARTITION);
    // librdkafka reads 0 as now.
    let timestamp = placing.timestamp.unwrap_or(0);
    let opaque = receipt.into_ptr();
    // SAFETY: each tag is followed by what librdkafka's rd_kafka_vtype_t says
    // belongs to it, as rdkafka's own `BaseProducer::send` does. All of it
    // outlives the call, which copies topic, key and value.
    let error = unsafe {
        sys::rd_kafka_producev(
            client.native_ptr(),
            vtype::RD_KAFKA_VTYPE_TOPIC,
            topic.as_ptr(),
            vtype::RD_KAFKA_VTYPE_MSGFLAGS,
            sys::RD_KAFKA_MSG_F_COPY,
            vtype::RD_KAFKA_VTYPE_PARTITION,
            partition,
            vtype::RD_KAFKA_VTYPE_TIMESTAMP,
            timestamp,
            vtype::RD_KAFKA_VTYPE_KEY,
            key,
            key_size,
            vtype::RD_KAFKA_VTYPE_VALUE,
            value,
            value_size,
            vtype::RD_KAFKA_VTYPE_HEADERS,
            headers.ptr(),
            vtype::RD_KAFKA_VTYPE_OPAQUE,
            opaque,
            vtype::RD_KAFKA_VTYPE_END,
        )
    };
    if error.is_error() {
        // SAFETY: created above from a receipt; librdkafka did not take it.
        let receipt = unsafe { C::DeliveryOpaque::from_ptr(opaque) };
        return Err((error.into(), receipt));
    }
    headers.given_away();
    Ok(())
}

/// librdkafka's `RD_KAFKA_PARTITION_UA`.
const ANY_PARTITION: i32 = -1;

/// Bytes as librdkafka takes them: absent is a null pointer, empty is not.
pub(crate) fn parts(bytes: Option<&[u8]>) -> (*mut c_void, usize) {
    bytes.map_or((ptr::null_mut(), 0), |bytes| {
        (bytes.as_ptr().cast_mut().cast(), bytes.len())
    })
}
