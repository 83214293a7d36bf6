//! The bodies of requests.

use bytes::Bytes;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::header::{EXPECT, HeaderMap};
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::timeout;

/// Bytes that are read of a body that is not wanted, and for how long.
const DISCARDED: usize = 16 << 20;
const DISCARDING: Duration = Duration::from_secs(2);

/// Why a body can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is larger than it may be.
    TooLarge,
    /// It did not come in time.
    Late,
    /// Its connection broke, or it is none.
    Broken,
}

/// Reads a whole body of at most `most` bytes.
///
/// # Errors
/// Why not. More than `most` is not held in any case.
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

/// What comes next of it, trailers left out.
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

/// Reads a body that is not wanted, as far as that is cheaper than the broken
/// connection that who still sends it would see instead of its answer. Who
/// waits to be told to go on is not told so.
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
