//! Headers as bytes. rdkafka's view panics if a name is not UTF-8, and a producer
//! may write any name.
//!
//! A limitation: librdkafka returns a name without its length, so a name is cut
//! at a NUL.

use crate::record::Headers;
use rdkafka::bindings as sys;
use rdkafka::message::BorrowedMessage;
use std::ffi::CStr;
use std::ptr;

/// A message's header names and values, in order.
pub fn of_message<'a>(
    message: &'a BorrowedMessage<'_>,
) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
    // SAFETY: the message lives for 'a.
    unsafe { of(message.ptr()) }
}

/// The same for a message of librdkafka.
///
/// # Safety
/// The message is valid for 'a.
pub(in crate::kafka) unsafe fn of<'a>(
    message: *mut sys::rd_kafka_message_t,
) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
    let mut headers = ptr::null_mut();
    // SAFETY: by this function's safety contract; librdkafka parses its headers
    // once and stores them in it, and writes nothing if there are none.
    let found = unsafe { sys::rd_kafka_message_headers(message, &raw mut headers) };
    let none = found != sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
    (0..).map_while(move |index| {
        let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
        if none {
            return None;
        }
        // SAFETY: `headers` is valid while the message is; after the last one the
        // call returns an error and writes nothing.
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
    /// Copies names and values into librdkafka's list.
    pub fn new(headers: &Headers) -> Native {
        // SAFETY: creates an empty list, which we own until it is passed on.
        let native = Native(unsafe { sys::rd_kafka_headers_new(headers.len()) });
        for (name, value) in headers {
            let (value, size) = super::produce::parts(value.as_deref());
            // SAFETY: we own the list; name and value are copied with the given
            // lengths. It fails only for lists that belong to messages.
            unsafe {
                let name_size = name.len().cast_signed();
                let (name, size) = (name.as_ptr().cast(), size.cast_signed());
                sys::rd_kafka_header_add(native.0, name, name_size, value, size);
            }
        }
        native
    }

    /// The list, without giving up ownership.
    pub fn ptr(&self) -> *mut sys::rd_kafka_headers_t {
        self.0
    }

    /// librdkafka took ownership of the list.
    pub fn given_away(self) {
        std::mem::forget(self);
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        // SAFETY: ownership was not passed on, so nothing else frees it.
        unsafe { sys::rd_kafka_headers_destroy(self.0) }
    }
}
