//! Answers, whole or streamed.

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::{Response, StatusCode, header};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body: bytes at once, or a stream of its own.
pub enum Body {
    /// All of it.
    Whole(Option<Bytes>),
    /// Frame by frame.
    Stream(Pin<Box<dyn http_body::Body<Data = Bytes, Error = Infallible> + Send>>),
}

/// An answer.
pub type Reply = Response<Body>;

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Body::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Body::Stream(stream) => stream.as_mut().poll_frame(cx),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Body::Stream(stream) => stream.size_hint(),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Whole(bytes) => bytes.is_none(),
            Body::Stream(stream) => stream.is_end_stream(),
        }
    }
}

fn whole(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Body::Whole(Some(body.into())));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    headers.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("no-store"),
    );
    let nosniff = header::HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
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

/// A page.
pub fn html(body: &'static str) -> Reply {
    whole(StatusCode::OK, "text/html; charset=utf-8", body)
}
