//! `POST /v1/tasks`.

use super::handler::{TASKS, TaskHandler, bad, later};
use super::trace;
use crate::access::Cors;
use crate::http::{
    BodyError, Incoming, Reply, Request, StatusCode, header, json, problem, read_body,
};
use crate::ingest::NotAcknowledged;
use crate::record::{ClientId, Outgoing};
use crate::store::{NewTask, Repeat, Taken, Unavailable};
use bytes::Bytes;
use header::{HeaderMap, HeaderValue};
use metrics::counter;
use serde::de::IgnoredAny;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::Duration;
use uuid::Uuid;

/// The header that makes a repeated request the same one
/// (draft-ietf-httpapi-idempotency-key-header).
const KEY: &str = "idempotency-key";
const KEY_MAX: usize = 255;
/// How long a body may take.
const BODY: Duration = Duration::from_secs(10);
/// When to come back, in seconds: Kafka or the store is away for longer than a
/// moment.
const AWAY: u64 = 5;

impl TaskHandler {
    pub(super) async fn post(
        &self,
        request: &Request<()>,
        body: Incoming,
        cors: &Cors<'_>,
    ) -> Reply {
        let Ok(_place) = self.under_way.try_acquire() else {
            count("shed");
            let why = "too many tasks are on their way";
            return later(StatusCode::SERVICE_UNAVAILABLE, why, 1);
        };
        let asked = match self.asked(request, body, cors).await {
            Ok(asked) => asked,
            Err(refused) => {
                count("refused");
                return *refused;
            }
        };
        self.take(request.headers(), &asked).await
    }

    /// What is asked for, if it can be.
    async fn asked(
        &self,
        request: &Request<()>,
        body: Incoming,
        cors: &Cors<'_>,
    ) -> Result<Asked, Box<Reply>> {
        let owner = self.who(request, cors)?;
        is_json(request.headers())?;
        let key = repeat_key(request.headers())?;
        let most = self.settings.max_body;
        let body = read_body(body, most, BODY).await;
        let body = body.map_err(|error| Box::new(unread(error, most)))?;
        std::str::from_utf8(&body).map_err(|_| bad("the body is not UTF-8"))?;
        let valid: Result<IgnoredAny, _> = serde_json::from_slice(&body);
        valid.map_err(|error| bad(&format!("the body is no JSON: {error}")))?;
        let repeat = key.map(|key| Repeat {
            key: hash(&key),
            content: hash(&body),
        });
        Ok(Asked {
            owner,
            body,
            repeat,
        })
    }

    /// Takes a task and hands it to Kafka: its owner is known before a worker
    /// can have it.
    async fn take(&self, headers: &HeaderMap, asked: &Asked) -> Reply {
        let id = Uuid::now_v7().to_string();
        let new = NewTask {
            id: &id,
            owner: &asked.owner,
            timeout: self.settings.timeout,
            keep: self.settings.keep,
            rate: self.settings.rate,
            repeat: asked.repeat.as_ref(),
        };
        let id = match self.store.take_task(&new).await {
            Ok(Taken::New) => id,
            Ok(Taken::Known { id, sent: true }) => {
                count("repeated");
                return received(&id);
            }
            Ok(Taken::Known { id, sent: false }) => id,
            Ok(Taken::Differs) => {
                count("refused");
                let why = "this Idempotency-Key was used for another task";
                return problem(StatusCode::UNPROCESSABLE_ENTITY, why);
            }
            Ok(Taken::Limited(wait)) => {
                count("limited");
                let seconds = wait.as_secs_f64().ceil() as u64;
                let why = "too many tasks of this client";
                return later(StatusCode::TOO_MANY_REQUESTS, why, seconds);
            }
            Err(error) => return away(&error),
        };
        let outgoing = self.outgoing(headers, asked, &id);
        match self.courier.deliver(&outgoing).await {
            Ok(()) => self.sent(asked, &id).await,
            Err(error) => self.not_sent(asked, &id, &error).await,
        }
    }

    fn outgoing(&self, headers: &HeaderMap, asked: &Asked, id: &str) -> Outgoing {
        let (parent, state) = trace::context(headers);
        let owner = asked.owner.as_str().to_owned();
        let mut headers: Vec<(Vec<u8>, Option<Vec<u8>>)> = Vec::new();
        let mut add = |name: &str, value: String| {
            headers.push((name.into(), Some(value.into_bytes())));
        };
        add("millstream.client", owner);
        add("traceparent", parent);
        if let Some(state) = state {
            add("tracestate", state);
        }
        let start = format!(r#"{{"taskId":"{id}","payload":"#);
        let value = [start.as_bytes(), &asked.body, b"}"].concat();
        Outgoing {
            topic: self.settings.request_topic.clone(),
            key: Some(id.into()),
            value: Some(value),
            headers,
        }
    }

    async fn sent(&self, asked: &Asked, id: &str) -> Reply {
        count("received");
        if asked.repeat.is_some()
            && let Err(error) = self.store.task_is_sent(id).await
        {
            // Who repeats it makes a second record of the same task, which is
            // harmless: it ends once.
            tracing::debug!(%error, "a task could not be noted as sent");
        }
        received(id)
    }

    /// What certainly is not in Kafka is forgotten; what may be there stays
    /// whole, so that its results find their owner.
    async fn not_sent(&self, asked: &Asked, id: &str, error: &NotAcknowledged) -> Reply {
        count("unacknowledged");
        let topic = &self.settings.request_topic;
        let NotAcknowledged { why, certain } = error;
        tracing::warn!(topic, why, certain, "Kafka did not acknowledge a task");
        if !certain {
            let why = format!(
                "Kafka did not acknowledge the task in time; it may have it: with the same \
                 Idempotency-Key it will be the same task, {id}"
            );
            return later(StatusCode::SERVICE_UNAVAILABLE, &why, AWAY);
        }
        let repeat = asked.repeat.as_ref().map(|repeat| &*repeat.key);
        if let Err(error) = self.store.give_task_up(id, &asked.owner, repeat).await {
            tracing::warn!(%error, "a task that could not be sent is kept until it times out");
        }
        let why = "Kafka did not take the task: there is none";
        later(StatusCode::SERVICE_UNAVAILABLE, why, AWAY)
    }
}

/// A request for a task.
struct Asked {
    owner: ClientId,
    /// Checked to be JSON.
    body: Bytes,
    repeat: Option<Repeat>,
}

fn count(result: &'static str) {
    counter!("millstream_tasks_total", "result" => result).increment(1);
}

fn hash(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn received(id: &str) -> Reply {
    let message = "Task received";
    let body = json!({ "taskId": id, "status": "received", "message": message });
    let mut reply = json(StatusCode::ACCEPTED, &body);
    // A UUID is made of what a header may hold.
    if let Ok(location) = HeaderValue::from_str(&format!("{TASKS}/{id}")) {
        reply.headers_mut().insert(header::LOCATION, location);
    }
    reply
}

fn away(error: &Unavailable) -> Reply {
    count("unavailable");
    let why = format!("the store does not answer: {error}");
    later(StatusCode::SERVICE_UNAVAILABLE, &why, AWAY)
}

fn unread(error: BodyError, most: usize) -> Reply {
    let why = |status, why: &str| problem(status, why);
    match error {
        BodyError::TooLarge => {
            let too_large = format!("the body may have {most} bytes");
            why(StatusCode::PAYLOAD_TOO_LARGE, &too_large)
        }
        BodyError::Late => why(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
        BodyError::Broken => why(StatusCode::BAD_REQUEST, "the body broke off"),
    }
}

fn is_json(headers: &HeaderMap) -> Result<(), Box<Reply>> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let why = "send application/json, and say so in Content-Type";
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
        false => Err(bad("Idempotency-Key: one, of 1 to 255 bytes")),
    }
}
