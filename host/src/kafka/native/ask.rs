//! One admin call of librdkafka and its answer: each call takes options and a
//! queue, and answers with one event.

use rdkafka::bindings as sys;
use std::ffi::{CStr, c_char};
use std::ptr;
use std::time::Duration;

pub(crate) use rdkafka::bindings::rd_kafka_admin_op_t as Op;
pub(crate) use rdkafka::bindings::rd_kafka_resp_err_t as Code;

pub(crate) type Kafka = *mut sys::rd_kafka_t;

/// The options and the queue of one call, until it is answered.
pub(crate) struct Ask {
    /// To pass to the call.
    pub options: *mut sys::rd_kafka_AdminOptions_t,
    /// To pass to the call.
    pub queue: *mut sys::rd_kafka_queue_t,
}

/// Why a whole call failed.
pub(crate) enum Refused {
    /// The cluster does not support the call.
    Unsupported,
    /// Another error, with librdkafka's message.
    Other(Code, String),
}

impl Ask {
    /// # Safety
    /// `kafka` is live, and outlives this.
    pub unsafe fn new(kafka: Kafka, op: Op, patience: Duration) -> Ask {
        let millis = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: both are created here and destroyed in `drop`; a rejected
        // time-out keeps the default.
        unsafe {
            let options = sys::rd_kafka_AdminOptions_new(kafka, op);
            let queue = sys::rd_kafka_queue_new(kafka);
            sys::rd_kafka_AdminOptions_set_request_timeout(options, millis, ptr::null_mut(), 0);
            Ask { options, queue }
        }
    }

    /// For calls that change topics: the brokers answer once all of them know the
    /// change, not as soon as the controller has accepted it.
    pub fn until_known(self, patience: Duration) -> Ask {
        let millis = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the options live as long as `self`; calls that do not support
        // this option reject it without effect.
        unsafe {
            let (said, size) = (ptr::null_mut(), 0);
            sys::rd_kafka_AdminOptions_set_operation_timeout(self.options, millis, said, size);
        }
        self
    }

    /// The brokers only validate the change.
    pub fn validating(self, only: bool) -> Ask {
        // SAFETY: as above.
        unsafe {
            let (said, size) = (ptr::null_mut(), 0);
            sys::rd_kafka_AdminOptions_set_validate_only(self.options, only.into(), said, size);
        }
        self
    }

    /// Waits for the call's event, slightly longer than librdkafka does.
    ///
    /// # Safety
    /// The call was made with this queue.
    pub unsafe fn answer(&self, patience: Duration) -> Result<Event, Refused> {
        let millis = i32::try_from(patience.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the queue lives as long as `self`; the returned value owns the
        // event.
        unsafe {
            let event = sys::rd_kafka_queue_poll(self.queue, millis.saturating_add(1000));
            if event.is_null() {
                return Err(Refused::Other(
                    Code::RD_KAFKA_RESP_ERR__TIMED_OUT,
                    "no answer".into(),
                ));
            }
            let event = Event(event);
            match sys::rd_kafka_event_error(event.0) {
                Code::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(event),
                Code::RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE
                | Code::RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION => Err(Refused::Unsupported),
                code => {
                    let why = text(sys::rd_kafka_event_error_string(event.0));
                    Err(Refused::Other(code, why))
                }
            }
        }
    }
}

impl Drop for Ask {
    fn drop(&mut self) {
        // SAFETY: created in `new`, destroyed only here.
        unsafe {
            sys::rd_kafka_AdminOptions_destroy(self.options);
            sys::rd_kafka_queue_destroy(self.queue);
        }
    }
}

/// An answer; it owns the data that is read from it.
pub(crate) struct Event(pub *mut sys::rd_kafka_event_t);

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: taken from a queue, destroyed only here.
        unsafe { sys::rd_kafka_event_destroy(self.0) }
    }
}

/// # Safety
/// `chars` is null or a C string.
pub(crate) unsafe fn text(chars: *const c_char) -> String {
    if chars.is_null() {
        return String::new();
    }
    // SAFETY: by this function's safety contract.
    unsafe { CStr::from_ptr(chars) }
        .to_string_lossy()
        .into_owned()
}
