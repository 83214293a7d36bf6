//! Request bodies.

use bytes::Bytes;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::header::{EXPECT, HeaderMap};
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::timeout;

/// The most bytes that are read of an unwanted body, and for how long.
const DISCARDED: usize = 16 << 20;
const DISCARDING: Duration = Duration::from_secs(2);

/// Why a body can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// The body is too large.
    TooLarge,
    /// The body did not arrive in time.
    Late,
    /// The connection broke, or the body is malformed.
    Broken,
}

/// Reads a whole body of at most `most` bytes.
///
/// # Errors
/// Why the body can't be used. Never holds more than `most` bytes.
pub async fn read(mut body: Incoming, most: usize, patience: Duration) -> Result<Bytes, BodyError> {
    let all = timeout(patience, all_of(&mut body, most)).await;
    let all = all.unwrap_or(Err(BodyError::Late));
    if all == Err(BodyError::TooLarge) {
        swallow(&mut body).await;
    }
    all
}

async fn all_of(body: &mut Incoming, most: usize) -> Result<Bytes, BodyError> {
    let mut all = Vec::new();
    while let Some(data) = next(body).await? {
        if all.len() + data.len() > most {
            return Err(BodyError::TooLarge);
        }
        all.extend_from_slice(&data);
    }
    Ok(all.into())
}

/// The next data frame of the body; trailers are skipped.
async fn next(body: &mut Incoming) -> Result<Option<Bytes>, BodyError> {
    loop {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
        match frame.transpose().map_err(|_| BodyError::Broken)? {
            None => return Ok(None),
            Some(frame) => match frame.into_data() {
                Ok(data) => return Ok(Some(data)),
                Err(_trailers) => {}
            },
        }
    }
}

/// Reads and drops an unwanted body up to a limit, so that a client that is
/// still sending sees the answer and not a broken connection. A client that
/// waits for `100 Continue` does not get one.
pub async fn discard(headers: &HeaderMap, mut body: Incoming) {
    if !headers.contains_key(EXPECT) {
        swallow(&mut body).await;
    }
}

async fn swallow(body: &mut Incoming) {
    let all = async {
        let mut left = DISCARDED;
        while let Ok(Some(data)) = next(body).await {
            match left.checked_sub(data.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    let _ = timeout(DISCARDING, all).await;
}
