//! Takes a socket over from hyper: hyper parses the request, and is dropped
//! before it writes a byte of a streaming answer.

use super::reply::{Body, Endless, Reply};
use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{StatusCode, Version};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Where a connection's service leaves a streaming answer for the task that
/// drives the connection.
#[derive(Default)]
pub(super) struct Slot {
    left: Mutex<Option<(Bytes, Box<dyn Endless>)>>,
    /// The socket has not taken everything that hyper wrote before.
    pub blocked: AtomicBool,
}

impl Slot {
    /// Keeps a streaming answer; gives back every other.
    pub fn leave(&self, version: Version, reply: Reply) -> Option<Reply> {
        let (parts, body) = reply.into_parts();
        let Body::Endless(endless) = body else {
            return Some(Reply::from_parts(parts, body));
        };
        let head = head(version, parts.status, parts.headers);
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some((head, endless));
        None
    }

    /// Takes the answer, once earlier answers on this connection are sent.
    pub fn take(&self) -> Option<(Bytes, Box<dyn Endless>)> {
        if self.blocked.load(Ordering::Relaxed) {
            return None;
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.take()
    }
}

/// An answer's head (RFC 9112): in HTTP/1.1 the body is chunked, in HTTP/1.0 it
/// ends with the connection.
fn head(version: Version, status: StatusCode, mut headers: HeaderMap) -> Bytes {
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    let line = match version {
        Version::HTTP_10 => "HTTP/1.0",
        _ => {
            let chunked = HeaderValue::from_static("chunked");
            headers.insert(header::TRANSFER_ENCODING, chunked);
            "HTTP/1.1"
        }
    };
    let mut head = format!("{line} {status}\r\n").into_bytes();
    for (name, value) in &headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head.into()
}
