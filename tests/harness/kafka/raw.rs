//! Header names that are not UTF-8. rdkafka takes names as text, and its reader panics at others,
//! so this calls librdkafka directly.

use super::Kafka;
use crate::wait::wait_until;
use rdkafka::bindings::{self as sys, rd_kafka_vtype_t as vtype};
use rdkafka::error::IsError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::producer::{BaseProducer, Producer};
use std::ffi::{CStr, CString};
use std::ptr;
use std::time::Duration;

const ANSWER: Duration = Duration::from_secs(30);

/// Names, which hold no NUL, and values.
pub type RawHeaders = Vec<(Vec<u8>, Option<Vec<u8>>)>;

impl Kafka {
    /// Produces one record without a key to partition 0.
    pub fn produce_raw(&self, topic: &str, value: &[u8], headers: &RawHeaders) {
        let producer: BaseProducer = self.client().create().unwrap();
        let topic = CString::new(topic).unwrap();
        // SAFETY: what follows each tag is what librdkafka's rd_kafka_vtype_t requires. Names end
        // in a NUL. librdkafka copies everything except the list of headers, which it takes over.
        let error = unsafe {
            let list = sys::rd_kafka_headers_new(headers.len());
            for (name, value) in headers {
                let name = CString::new(name.as_slice()).unwrap();
                let value = value.as_deref();
                let bytes = value.map_or(ptr::null(), <[u8]>::as_ptr);
                let size = value.map_or(0, <[u8]>::len).cast_signed();
                sys::rd_kafka_header_add(list, name.as_ptr(), -1, bytes.cast(), size);
            }
            sys::rd_kafka_producev(
                producer.client().native_ptr(),
                vtype::RD_KAFKA_VTYPE_TOPIC,
                topic.as_ptr(),
                vtype::RD_KAFKA_VTYPE_PARTITION,
                0_i32,
                vtype::RD_KAFKA_VTYPE_MSGFLAGS,
                sys::RD_KAFKA_MSG_F_COPY,
                vtype::RD_KAFKA_VTYPE_VALUE,
                value.as_ptr(),
                value.len(),
                vtype::RD_KAFKA_VTYPE_HEADERS,
                list,
                vtype::RD_KAFKA_VTYPE_END,
            )
        };
        assert!(!error.is_error(), "{error:?}");
        wait_until("Kafka has the record", ANSWER, || {
            producer.poll(Duration::ZERO);
            (producer.in_flight_count() == 0).then_some(())
        });
    }

    /// The headers of every record of the topic, read like [`Kafka::read_all`].
    pub fn read_raw_headers(&self, topic: &str) -> Vec<RawHeaders> {
        let mut all = Vec::new();
        self.each(topic, |message| {
            all.push((message.partition(), message.offset(), headers(message)));
        });
        all.sort_by_key(|(partition, offset, _)| (*partition, *offset));
        all.into_iter().map(|(.., headers)| headers).collect()
    }
}

fn headers(message: &BorrowedMessage<'_>) -> RawHeaders {
    let mut list = ptr::null_mut();
    // SAFETY: librdkafka keeps the list inside of the message, and writes nothing if there is no
    // list.
    let none = unsafe { sys::rd_kafka_message_headers(message.ptr(), &raw mut list) };
    let header = |index| {
        let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the list belongs to the message; past its end there is an error.
        unsafe {
            let got = sys::rd_kafka_header_get_all(
                list,
                index,
                &raw mut name,
                &raw mut value,
                &raw mut size,
            );
            let value: *const u8 = value.cast();
            let bytes = || std::slice::from_raw_parts(value, size).to_vec();
            (!got.is_error()).then(|| {
                let name = CStr::from_ptr(name).to_bytes().to_vec();
                (name, (!value.is_null()).then(bytes))
            })
        }
    };
    match none.is_error() {
        true => Vec::new(),
        false => (0..).map_while(header).collect(),
    }
}
