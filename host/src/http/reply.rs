//! Answers: whole or streaming.

use super::BoxFuture;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::{Response, StatusCode, header};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::TcpStream;

/// A body that is read as it comes.
pub type Streamed = Pin<Box<dyn http_body::Body<Data = Bytes, Error = io::Error> + Send>>;

/// A streaming body. hyper carries it where the connection is shared (HTTP/2)
/// or wrapped (TLS). Elsewhere it takes over the socket, because hyper's
/// connection holds two buffers that a quiet stream does not need.
pub trait Endless: Send {
    /// Sends `head` and then the stream to a socket, until either side ends it.
    fn onto(self: Box<Self>, socket: TcpStream, head: Bytes) -> BoxFuture<()>;

    /// Returns when the stream is to end although the client takes nothing. To
    /// be polled by the task that has the body.
    fn given_up(&self) -> BoxFuture<()>;

    /// The stream as a body.
    fn body(self: Box<Self>) -> Streamed;
}

/// The body of an answer.
pub enum Body {
    /// All bytes; `None` if empty.
    Whole(Option<Bytes>),
    /// A stream.
    Endless(Box<dyn Endless>),
    /// A stream that hyper carries.
    Streamed(Streamed),
}

/// An answer with its body.
pub type Reply = Response<Body>;

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Body::Endless(_) = &*self
            && let Body::Endless(endless) = std::mem::replace(&mut *self, Body::Whole(None))
        {
            *self = Body::Streamed(endless.body());
        }
        match &mut *self {
            Body::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Body::Streamed(stream) => stream.as_mut().poll_frame(cx),
            Body::Endless(_) => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            _ => SizeHint::default(),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Body::Whole(None))
    }
}

fn whole(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Body::Whole(Some(body.into())));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    let fixed = header::HeaderValue::from_static;
    headers.insert(header::CONTENT_TYPE, fixed(kind));
    headers.insert(header::CACHE_CONTROL, fixed("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    reply
}

/// Plain text.
pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    whole(status, "text/plain; charset=utf-8", body)
}

/// JSON.
pub fn json(status: StatusCode, body: &serde_json::Value) -> Reply {
    whole(status, "application/json", body.to_string())
}

/// JSON that is already serialized.
pub fn raw_json(status: StatusCode, body: String) -> Reply {
    whole(status, "application/json", body)
}

/// An error as a problem (RFC 9457).
pub fn problem(status: StatusCode, detail: &str) -> Reply {
    let title = status.canonical_reason().unwrap_or_default();
    let body = serde_json::json!({
        "title": title,
        "status": status.as_u16(),
        // The detail may contain foreign text.
        "detail": crate::log::cut(detail),
    });
    whole(status, "application/problem+json", body.to_string())
}

/// The answer to a method other than these; HEAD is allowed with GET.
pub fn not_allowed(methods: &'static str) -> Reply {
    let why = format!("use {methods}");
    let mut reply = problem(StatusCode::METHOD_NOT_ALLOWED, &why);
    let allow = header::HeaderValue::from_static(methods);
    reply.headers_mut().insert(header::ALLOW, allow);
    reply
}

/// Removes the body and keeps the headers.
pub(super) fn without_body(reply: &mut Reply) {
    if let Body::Whole(Some(bytes)) = std::mem::replace(reply.body_mut(), Body::Whole(None)) {
        let length = bytes.len().into();
        reply.headers_mut().insert(header::CONTENT_LENGTH, length);
    }
}

/// An HTML page.
pub fn html(body: &'static str) -> Reply {
    whole(StatusCode::OK, "text/html; charset=utf-8", body)
}

/// A JavaScript module.
pub fn script(body: &'static str) -> Reply {
    whole(StatusCode::OK, "text/javascript; charset=utf-8", body)
}
