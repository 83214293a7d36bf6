//! The bodies of requests.

use bytes::Bytes;
use http_body::Body as _;
use hyper::body::Incoming;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::timeout;

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
pub async fn read(body: Incoming, most: usize, patience: Duration) -> Result<Bytes, BodyError> {
    if body.size_hint().lower() > most as u64 {
        return Err(BodyError::TooLarge);
    }
    let all = timeout(patience, all_of(body, most)).await;
    all.unwrap_or(Err(BodyError::Late))
}

async fn all_of(mut body: Incoming, most: usize) -> Result<Bytes, BodyError> {
    let mut all = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| BodyError::Broken)?;
        let Ok(data) = frame.into_data() else {
            continue; // trailers
        };
        if all.len() + data.len() > most {
            return Err(BodyError::TooLarge);
        }
        all.extend_from_slice(&data);
    }
    Ok(all.into())
}
