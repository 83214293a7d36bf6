//! Calls of librdkafka that rdkafka wraps without Kafka's own words, or not at
//! all: the pieces that all of them share.

use super::ask::{Code, Kafka, text};
use crate::kafka::ClusterError;
use crate::kafka::cluster_error::Doing;
use rdkafka::bindings as sys;
use std::ffi::{CStr, CString};
use std::ptr;
use std::slice;
use std::time::Duration;

/// How long an answer may take: people wait for it.
pub(in crate::kafka) const PATIENCE: Duration = Duration::from_millis(4500);

/// Something of librdkafka's that is ours to destroy.
pub(in crate::kafka) struct Owned<T>(*mut T, unsafe extern "C" fn(*mut T));

impl<T> Owned<T> {
    /// # Safety
    /// `made` is destroyed by `destroy`, and by nobody else.
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
            // SAFETY: by the promise of `new`.
            unsafe { (self.1)(self.0) }
        }
    }
}

/// Whether a broker tells of the brokers within this time.
///
/// # Safety
/// `kafka` is a live client.
pub(in crate::kafka) unsafe fn brokers(kafka: Kafka, patience: Duration) -> bool {
    let millis = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
    let mut metadata = ptr::null();
    // SAFETY: by this function's promise; without topics, so that clusters
    // with many answer as fast. What is answered is ours to destroy.
    unsafe {
        let code = sys::rd_kafka_metadata(kafka, 0, ptr::null_mut(), &raw mut metadata, millis);
        if code == Code::RD_KAFKA_RESP_ERR_NO_ERROR {
            sys::rd_kafka_metadata_destroy(metadata);
        }
        code == Code::RD_KAFKA_RESP_ERR_NO_ERROR
    }
}

/// A name for librdkafka.
pub(in crate::kafka) fn name(of: &str, doing: &Doing) -> Result<CString, ClusterError> {
    CString::new(of).map_err(|_| doing.refused("it contains a NUL character"))
}

/// A list that librdkafka answered with.
///
/// # Safety
/// `list` has `count` entries, or is null; they outlive what is returned.
pub(in crate::kafka) unsafe fn list<'a, T>(list: *const T, count: usize) -> &'a [T] {
    match list.is_null() || count == 0 {
        true => &[],
        // SAFETY: by this function's own promise.
        false => unsafe { slice::from_raw_parts(list, count) },
    }
}

/// The code and the words of one item's error, if it is one.
///
/// # Safety
/// `error` is null or live.
pub(in crate::kafka) unsafe fn error(
    error: *const sys::rd_kafka_error_t,
) -> Option<(Code, String)> {
    if error.is_null() {
        return None;
    }
    // SAFETY: by this function's own promise.
    unsafe {
        let code = sys::rd_kafka_error_code(error);
        let said = text(sys::rd_kafka_error_string(error));
        (code != Code::RD_KAFKA_RESP_ERR_NO_ERROR).then_some((code, said))
    }
}

/// librdkafka's words for a code.
pub(in crate::kafka) fn words(code: Code) -> String {
    // SAFETY: the words are static and end.
    unsafe { CStr::from_ptr(sys::rd_kafka_err2str(code)) }
        .to_string_lossy()
        .into_owned()
}

/// What became of one topic in a list of results: those of making, deleting
/// and adding partitions are of one type.
///
/// # Safety
/// `results` has `count` live entries.
pub(in crate::kafka) unsafe fn topic_result(
    results: *mut *const sys::rd_kafka_topic_result_t,
    count: usize,
) -> Result<(), (Code, String)> {
    // SAFETY: by this function's own promise.
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
