//! The records of one partition, taken out of librdkafka's queue many at a time.
//! rdkafka takes each one alone, as an event, with an allocation and clock reads.

use super::headers;
use rdkafka::bindings as sys;
use rdkafka::error::{IsError, KafkaError};
use std::ffi::CString;
use std::{ptr, slice};

/// The most that are taken at a time.
const AT_ONCE: usize = 128;
/// The assumed size of a record before the first ones have arrived: large, so that few
/// are taken.
const SIZE: usize = 64 << 10;

/// The queue of a partition, and the records that were taken out of it.
pub(in crate::kafka) struct Fetched {
    queue: *mut sys::rd_kafka_queue_t,
    /// Those at `next` and after are still to be returned; the one before is in use.
    taken: Vec<*mut sys::rd_kafka_message_t>,
    next: usize,
    /// The mean size of those that were taken last, in bytes.
    size: usize,
}

// SAFETY: librdkafka's queues and messages may be used from any thread, and this
// is their only user.
unsafe impl Send for Fetched {}

/// A record, until the next one is asked for.
pub(in crate::kafka) struct Record<'a>(&'a sys::rd_kafka_message_t);

impl Fetched {
    /// The records of a partition whose queue has been split off.
    ///
    /// # Safety
    /// `kafka` is a live consumer, and outlives the result.
    pub unsafe fn of(kafka: *mut sys::rd_kafka_t, topic: &str, partition: i32) -> Option<Fetched> {
        let topic = CString::new(topic).ok()?;
        // SAFETY: by this function's safety contract. The queue is ours until it
        // is destroyed.
        let queue = unsafe { sys::rd_kafka_queue_get_partition(kafka, topic.as_ptr(), partition) };
        (!queue.is_null()).then(|| Fetched {
            queue,
            taken: Vec::with_capacity(AT_ONCE),
            next: 0,
            size: SIZE,
        })
    }

    /// The next record that has arrived, or an error in its place. Does not wait.
    ///
    /// There is room for so many records and about so many bytes. It takes no more out of
    /// librdkafka's queue: what is taken no longer counts in the prefetch limit, and would
    /// be fetched on top of it.
    pub fn next(&mut self, records: usize, bytes: usize) -> Option<Result<Record<'_>, KafkaError>> {
        if self.next == self.taken.len() {
            self.take((bytes / self.size).clamp(1, records.clamp(1, AT_ONCE)));
        }
        let message = *self.taken.get(self.next)?;
        self.next += 1;
        // SAFETY: librdkafka's message is valid until it is destroyed, by the next
        // `take` or `clear`, which borrow `self` mutably.
        let message = unsafe { &*message };
        Some(match message.err.is_error() {
            true => Err(KafkaError::MessageConsumption(message.err.into())),
            false => Ok(Record(message)),
        })
    }

    /// Forgets what was taken, as after a seek.
    pub fn clear(&mut self) {
        for message in self.taken.drain(..) {
            // SAFETY: each was given to us and is destroyed once.
            unsafe { sys::rd_kafka_message_destroy(message) };
        }
        self.next = 0;
    }

    /// Takes up to `most` records, at most [`AT_ONCE`].
    fn take(&mut self, most: usize) {
        self.clear();
        // SAFETY: there is room for so many pointers, and the queue is ours.
        let taken = unsafe {
            sys::rd_kafka_consume_batch_queue(self.queue, 0, self.taken.as_mut_ptr(), most)
        };
        let taken = usize::try_from(taken).unwrap_or(0);
        // SAFETY: librdkafka has written so many pointers.
        unsafe { self.taken.set_len(taken) };
        // SAFETY: they are valid until they are destroyed.
        let sizes = self.taken.iter().map(|message| unsafe { (**message).len });
        if let Some(size) = sizes.sum::<usize>().checked_div(taken) {
            self.size = size.max(1);
        }
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        self.clear();
        // SAFETY: it is ours, and nobody uses it any more.
        unsafe { sys::rd_kafka_queue_destroy(self.queue) };
    }
}

impl<'a> Record<'a> {
    pub fn offset(&self) -> i64 {
        self.0.offset
    }

    /// In milliseconds since 1970; -1 if it has none.
    pub fn timestamp(&self) -> i64 {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is valid.
        let timestamp = unsafe { sys::rd_kafka_message_timestamp(self.0, &raw mut kind) };
        match kind {
            sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => -1,
            _ => timestamp,
        }
    }

    pub fn key(&self) -> Option<&'a [u8]> {
        // SAFETY: librdkafka's key of this length, valid as long as the message.
        unsafe { bytes(self.0.key.cast(), self.0.key_len) }
    }

    pub fn value(&self) -> Option<&'a [u8]> {
        // SAFETY: the same for the value.
        unsafe { bytes(self.0.payload.cast(), self.0.len) }
    }

    /// Names and values, in order.
    pub fn headers(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        // SAFETY: the message is valid for 'a.
        unsafe { headers::of(ptr::from_ref(self.0).cast_mut()) }
    }
}

/// # Safety
/// There are so many bytes, unless the pointer is null, for 'a.
unsafe fn bytes<'a>(from: *const u8, length: usize) -> Option<&'a [u8]> {
    // SAFETY: by this function's safety contract.
    (!from.is_null()).then(|| unsafe { slice::from_raw_parts(from, length) })
}
