//! Calls of librdkafka that rdkafka wraps without Kafka's own words, or not at
//! all: the pieces that all of them share.

use super::failure::Doing;
use super::{Connection, Failure};
use crate::ingest::ask::{Ask, Code, Event, Kafka, Op, Refused, text};
use rdkafka::bindings as sys;
use std::ffi::{CStr, CString};
use std::ptr;
use std::slice;
use std::time::{Duration, Instant};

/// How long an answer may take: people wait for it.
pub(super) const PATIENCE: Duration = Duration::from_millis(4500);

/// How long a change may take, until every broker knows of it.
const CHANGE: Duration = Duration::from_secs(15);

/// Before a question is asked again.
const AGAIN: Duration = Duration::from_millis(250);

/// What only asks, and may be asked again where a broker went away meanwhile:
/// the next one may answer.
fn is_question(op: Op) -> bool {
    matches!(
        op,
        Op::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS
            | Op::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS
            | Op::RD_KAFKA_ADMIN_OP_LISTOFFSETS
            | Op::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS
            | Op::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS
            | Op::RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS
    )
}

/// Something of librdkafka's that is ours to destroy.
pub(super) struct Owned<T>(*mut T, unsafe extern "C" fn(*mut T));

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
pub(super) unsafe fn brokers(kafka: Kafka, patience: Duration) -> bool {
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

impl Connection {
    /// Asks, and waits for the event with the answer.
    ///
    /// # Safety
    /// `call` makes the one call that `op` names, with the client, the options
    /// and the queue that it is given, each time that it is called.
    pub(super) unsafe fn ask(
        &self,
        op: Op,
        doing: &Doing,
        only_validate: bool,
        mut call: impl FnMut(Kafka, &Ask),
    ) -> Result<Event, Failure> {
        let patience = if is_question(op) { PATIENCE } else { CHANGE };
        let until = Instant::now() + patience;
        let answer = loop {
            let left = until.saturating_duration_since(Instant::now());
            // SAFETY: the client lives as long as `self`, which outlives the
            // question; the call is made with its queue, by our own promise.
            let answer = unsafe {
                let ask = Ask::new(self.native(), op, left)
                    .until_known(left)
                    .validating(only_validate);
                call(self.native(), &ask);
                ask.answer(left)
            };
            match answer {
                Err(Refused::Other(Code::RD_KAFKA_RESP_ERR__TRANSPORT, _))
                    if is_question(op) && left > AGAIN =>
                {
                    std::thread::sleep(AGAIN);
                }
                other => break other,
            }
        };
        answer.map_err(|refused| match refused {
            Refused::Unsupported => {
                doing.refused("this cluster is too old to know how, or is no Kafka")
            }
            Refused::Other(
                Code::RD_KAFKA_RESP_ERR__TIMED_OUT | Code::RD_KAFKA_RESP_ERR__TRANSPORT,
                _,
            ) => match (doing.unsure(), self.lost()) {
                (Some(unsure), lost) => Failure::Unsure {
                    why: lost.to_string(),
                    unsure,
                },
                (None, lost) => lost,
            },
            Refused::Other(code, why) => doing.failed(code, &why),
        })
    }
}

/// A name for librdkafka.
pub(super) fn name(of: &str, doing: &Doing) -> Result<CString, Failure> {
    CString::new(of).map_err(|_| doing.refused("there is a NUL in it"))
}

/// A list that librdkafka answered with.
///
/// # Safety
/// `list` has `count` entries, or is null; they outlive what is returned.
pub(super) unsafe fn list<'a, T>(list: *const T, count: usize) -> &'a [T] {
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
pub(super) unsafe fn error(error: *const sys::rd_kafka_error_t) -> Option<(Code, String)> {
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
pub(super) fn words(code: Code) -> String {
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
pub(super) unsafe fn topic_result(
    results: *mut *const sys::rd_kafka_topic_result_t,
    count: usize,
) -> Result<(), (Code, String)> {
    // SAFETY: by this function's own promise.
    unsafe {
        let Some(first) = list(results, count).first() else {
            return Err((
                Code::RD_KAFKA_RESP_ERR_UNKNOWN,
                "Kafka says nothing of it".into(),
            ));
        };
        match sys::rd_kafka_topic_result_error(*first) {
            Code::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
            code => Err((code, text(sys::rd_kafka_topic_result_error_string(*first)))),
        }
    }
}
