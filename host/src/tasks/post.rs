//! `POST /v1/tasks`: reads and checks the request.

use super::answers::count;
use super::answers::{bad, later};
use super::handler::TaskHandler;
use super::in_flight::{InFlightRequest, NoRoom};
use crate::access::Cors;
use crate::http::{
    BodyError, Incoming, Reply, Request, StatusCode, discard_body, header, problem, read_body,
};
use crate::record::{ClientId, byte_order_mark};
use crate::store::Repeat;
use bytes::Bytes;
use header::HeaderMap;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// The header that identifies a repeated request
/// (draft-ietf-httpapi-idempotency-key-header).
const KEY: &str = "idempotency-key";
const KEY_MAX: usize = 255;
/// How long a body may take to arrive.
const BODY: Duration = Duration::from_secs(10);

/// A valid request for a task.
pub(super) struct TaskRequest {
    pub owner: ClientId,
    /// Checked to be JSON.
    pub body: Bytes,
    pub repeat: Option<Repeat>,
    /// The request's headers, for its trace context.
    pub headers: HeaderMap,
    /// Held until the task is handled.
    pub _room: InFlightRequest,
}

/// The owner and the key of a request whose body was not read yet.
struct Head {
    owner: ClientId,
    key: Option<Vec<u8>>,
    room: InFlightRequest,
}

impl TaskHandler {
    pub(super) async fn post(
        self: &Arc<Self>,
        request: &Request<()>,
        body: Incoming,
        cors: &Cors<'_>,
    ) -> Reply {
        let head = match self.head(request, cors) {
            Ok(head) => head,
            Err(refused) => {
                // Otherwise a client that is still sending sees a broken
                // connection.
                discard_body(request.headers(), body).await;
                count("refused");
                return *refused;
            }
        };
        match self.asked(request, head, body).await {
            Ok(asked) => self.take(asked).await,
            Err(refused) => {
                count("refused");
                *refused
            }
        }
    }

    fn head(&self, request: &Request<()>, cors: &Cors<'_>) -> Result<Head, Box<Reply>> {
        let owner = self.who(request, cors)?;
        is_json(request.headers())?;
        let key = repeat_key(request.headers())?;
        let most = self.settings.max_body;
        let size = length(request.headers()).unwrap_or(most);
        if size > most {
            return Err(Box::new(unread(BodyError::TooLarge, most)));
        }
        let room = self.in_flight.take(&owner, size);
        let room = room.map_err(|why| Box::new(no_room(&why)))?;
        Ok(Head { owner, key, room })
    }

    async fn asked(
        &self,
        request: &Request<()>,
        head: Head,
        body: Incoming,
    ) -> Result<TaskRequest, Box<Reply>> {
        let most = self.settings.max_body;
        let body = read_body(body, most, BODY).await;
        let body = body.map_err(|error| Box::new(unread(error, most)))?;
        if let Some(mark) = byte_order_mark(&body) {
            return Err(bad(&format!("the body is not JSON: {mark}")));
        }
        std::str::from_utf8(&body).map_err(|_| bad("the body is not UTF-8"))?;
        let valid: Result<IgnoredAny, _> = serde_json::from_slice(&body);
        valid.map_err(|error| bad(&format!("the body is not JSON: {error}")))?;
        let repeat = head.key.map(|key| Repeat {
            key: hash(&key),
            content: hash(&body),
        });
        Ok(TaskRequest {
            owner: head.owner,
            body,
            repeat,
            headers: request.headers().clone(),
            _room: head.room,
        })
    }
}

fn hash(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn length(headers: &HeaderMap) -> Option<usize> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    // hyper refuses a value that is not a number, so only one that overflows
    // fails to parse, and that body is too large.
    Some(length.to_str().ok()?.parse().unwrap_or(usize::MAX))
}

fn no_room(why: &NoRoom) -> Reply {
    match why {
        NoRoom::Full => {
            let why = "too many task requests are in progress";
            later(StatusCode::SERVICE_UNAVAILABLE, why, 1)
        }
        NoRoom::OfClient => {
            let why = "too many task requests of this client are in progress";
            later(StatusCode::TOO_MANY_REQUESTS, why, 1)
        }
    }
}

fn unread(error: BodyError, most: usize) -> Reply {
    let too_large = format!("the body is too large: at most {most} bytes are allowed");
    match error {
        BodyError::TooLarge => problem(StatusCode::PAYLOAD_TOO_LARGE, &too_large),
        BodyError::Late => problem(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time",
        ),
        BodyError::Broken => problem(StatusCode::BAD_REQUEST, "the body ended early"),
    }
}

fn is_json(headers: &HeaderMap) -> Result<(), Box<Reply>> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let why = "send JSON with Content-Type: application/json";
    Err(Box::new(problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, why)))
}

fn repeat_key(headers: &HeaderMap) -> Result<Option<Vec<u8>>, Box<Reply>> {
    let mut keys = headers.get_all(KEY).iter();
    let Some(key) = keys.next() else {
        return Ok(None);
    };
    let fits = (1..=KEY_MAX).contains(&key.len());
    match keys.next().is_none() && fits {
        true => Ok(Some(key.as_bytes().to_vec())),
        false => Err(bad("Idempotency-Key: send one header of 1 to 255 bytes")),
    }
}
