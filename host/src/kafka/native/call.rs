//! Shared parts of the librdkafka calls that rdkafka does not wrap, or wraps
//! without Kafka's error messages.

use super::ask::{Code, Kafka, text};
use crate::kafka::ClusterError;
use crate::kafka::cluster_error::Doing;
use rdkafka::bindings as sys;
use std::ffi::{CStr, CString};
use std::ptr;
use std::slice;
use std::time::Duration;

/// The time limit for an answer: people wait for it.
pub(in crate::kafka) const PATIENCE: Duration = Duration::from_millis(4500);

/// An object of librdkafka that we own and must destroy.
pub(in crate::kafka) struct Owned<T>(*mut T, unsafe extern "C" fn(*mut T));

impl<T> Owned<T> {
    /// # Safety
    /// `made` is to be destroyed with `destroy`, and nothing else destroys it.
    pub unsafe fn new(made: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Owned<T> {
        Owned(made, destroy)
    }

    pub fn ptr(&self) -> *mut T {
        self.0
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: by the safety contract of `new`.
            unsafe { (self.1)(self.0) }
        }
    }
}

/// Whether a broker answers a metadata query within this time.
///
/// # Safety
/// `kafka` is a live client.
pub(in crate::kafka) unsafe fn brokers(kafka: Kafka, patience: Duration) -> bool {
    let millis = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
    let mut metadata = ptr::null();
    // SAFETY: by this function's safety contract; without topics, so that
    // clusters with many topics answer as fast. We must destroy the answer.
    unsafe {
        let code = sys::rd_kafka_metadata(kafka, 0, ptr::null_mut(), &raw mut metadata, millis);
        if code == Code::RD_KAFKA_RESP_ERR_NO_ERROR {
            sys::rd_kafka_metadata_destroy(metadata);
        }
        code == Code::RD_KAFKA_RESP_ERR_NO_ERROR
    }
}

/// Converts a name for librdkafka.
pub(in crate::kafka) fn name(of: &str, doing: &Doing) -> Result<CString, ClusterError> {
    CString::new(of).map_err(|_| doing.refused("it contains a NUL character"))
}

/// A list that librdkafka answered with.
///
/// # Safety
/// `list` has `count` entries, or is null; they outlive the returned value.
pub(in crate::kafka) unsafe fn list<'a, T>(list: *const T, count: usize) -> &'a [T] {
    match list.is_null() || count == 0 {
        true => &[],
        // SAFETY: by this function's safety contract.
        false => unsafe { slice::from_raw_parts(list, count) },
    }
}

/// The code and the message of an item's error, if it has one.
///
/// # Safety
/// `error` is null or live.
pub(in crate::kafka) unsafe fn error(
    error: *const sys::rd_kafka_error_t,
) -> Option<(Code, String)> {
    if error.is_null() {
        return None;
    }
    // SAFETY: by this function's safety contract.
    unsafe {
        let code = sys::rd_kafka_error_code(error);
        let said = text(sys::rd_kafka_error_string(error));
        (code != Code::RD_KAFKA_RESP_ERR_NO_ERROR).then_some((code, said))
    }
}

/// librdkafka's message for a code.
pub(in crate::kafka) fn words(code: Code) -> String {
    // SAFETY: the message is a static C string.
    unsafe { CStr::from_ptr(sys::rd_kafka_err2str(code)) }
        .to_string_lossy()
        .into_owned()
}

/// The result of one topic in a list of results. Creating, deleting and adding
/// partitions share the result type.
///
/// # Safety
/// `results` has `count` live entries.
pub(in crate::kafka) unsafe fn topic_result(
    results: *mut *const sys::rd_kafka_topic_result_t,
    count: usize,
) -> Result<(), (Code, String)> {
    // SAFETY: by this function's safety contract.
    unsafe {
        let Some(first) = list(results, count).first() else {
            return Err((
                Code::RD_KAFKA_RESP_ERR_UNKNOWN,
                "Kafka returned no result".into(),
            ));
        };
        match sys::rd_kafka_topic_result_error(*first) {
            Code::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
            code => Err((code, text(sys::rd_kafka_topic_result_error_string(*first)))),
        }
    }
}
