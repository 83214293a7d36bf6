//! Headers as bytes. rdkafka's own view panics at a name that is no UTF-8, and
//! names are whatever a producer wrote.

use rdkafka::bindings as sys;
use rdkafka::message::BorrowedMessage;
use std::ffi::CStr;
use std::ptr;

/// A message's header names and values, in order.
pub(super) fn of<'a>(
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
