//! Headers as bytes. rdkafka's own view panics at a name that is no UTF-8, and
//! names are whatever a producer wrote.
//!
//! One thing is lost: librdkafka hands out a name without its length, so a name
//! with a NUL in it ends there.

use crate::record::Headers;
use rdkafka::bindings as sys;
use rdkafka::message::BorrowedMessage;
use std::ffi::CStr;
use std::ptr;

/// A message's header names and values, in order.
pub fn of<'a>(
    message: &'a BorrowedMessage<'_>,
) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
    let mut headers = ptr::null_mut();
    // SAFETY: the message lives for 'a; librdkafka parses its headers once and
    // keeps them inside of it, and writes nothing where there are none.
    let found = unsafe { sys::rd_kafka_message_headers(message.ptr(), &raw mut headers) };
    let none = found != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
    (0..).map_while(move |index| {
        let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
        if none {
            return None;
        }
        // SAFETY: `headers` is valid while the message is; past the last one
        // the call answers an error and writes nothing.
        unsafe {
            let got = sys::rd_kafka_header_get_all(
                headers,
                index,
                &raw mut name,
                &raw mut value,
                &raw mut size,
            );
            if got != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                return None;
            }
            let value: *const u8 = value.cast();
            let value = (!value.is_null()).then(|| std::slice::from_raw_parts(value, size));
            Some((CStr::from_ptr(name).to_bytes(), value))
        }
    })
}

/// Headers of a record to write.
pub(crate) struct Native(*mut sys::rd_kafka_headers_t);

impl Native {
    /// Copies names and values into librdkafka's own list.
    pub fn new(headers: &Headers) -> Native {
        // SAFETY: makes an empty list, which is ours until it is handed on.
        let native = Native(unsafe { sys::rd_kafka_headers_new(headers.len()) });
        for (name, value) in headers {
            let (value, size) = super::produce::parts(value.as_deref());
            // SAFETY: the list is ours; name and value are copied, as long as
            // they are said to be. It fails for lists of messages only.
            unsafe {
                let name_size = name.len().cast_signed();
                let (name, size) = (name.as_ptr().cast(), size.cast_signed());
                sys::rd_kafka_header_add(native.0, name, name_size, value, size);
            }
        }
        native
    }

    /// The list, still ours.
    pub fn ptr(&self) -> *mut sys::rd_kafka_headers_t {
        self.0
    }

    /// librdkafka took the list.
    pub fn given_away(self) {
        std::mem::forget(self);
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        // SAFETY: it was not given away, so nobody else frees it.
        unsafe { sys::rd_kafka_headers_destroy(self.0) }
    }
}
