//! Stores a task and sends it to Kafka.

use super::answers::count;
use super::answers::later;
use super::encode::encoded;
use super::handler::{TASKS, TaskHandler};
use super::post::TaskRequest;
use super::trace;
use crate::http::{Reply, StatusCode, header, json, problem};
use crate::kafka::producer::NotAcknowledged;
use crate::record::Outgoing;
use crate::schema::Encoder;
use crate::store::{NewTask, Taken, Unavailable, Unsent};
use header::HeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use tokio::time::sleep;
use uuid::Uuid;

/// `Retry-After` in seconds while Kafka or the store is away.
const AWAY: u64 = 5;
/// Beyond the time that Kafka may take: nobody else sends the task meanwhile.
const MARGIN: Duration = Duration::from_secs(5);
/// The pause between two checks whether another request has sent the same task.
const LOOK: Duration = Duration::from_millis(50);
/// How often the removal of an unsent task is tried.
const TRIES: usize = 60;

/// What remains to be done after the answer.
enum After {
    Nothing,
    /// Marks the task as sent: its timeout starts.
    Sent(String),
    /// Removes a task that may be stored and was not sent.
    Forget(String),
}

/// A task that this request must send.
struct Mine {
    id: String,
    /// How often it was claimed; 1 means that nobody else can have sent it.
    taking: u64,
}

impl TaskHandler {
    /// Stores a task and sends it to Kafka. Continues if the client hangs up:
    /// half of it would be a task without a record, or without an owner.
    pub(super) async fn take(self: &Arc<Self>, asked: TaskRequest) -> Reply {
        let (answer, answered) = oneshot::channel();
        let gateway = self.clone();
        tokio::spawn(async move {
            let (reply, after) = gateway.taken(&asked).await;
            let _ = answer.send(reply);
            gateway.finish(&asked, after).await;
        });
        let broken = |_| {
            problem(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal error in the task gateway",
            )
        };
        answered.await.unwrap_or_else(broken)
    }

    async fn taken(&self, asked: &TaskRequest) -> (Reply, After) {
        let fresh = Uuid::now_v7().to_string();
        // The schema may have to be waited for: before the task is claimed for a bounded time.
        let encoder = match &self.encoder {
            Some(encoder) => match encoder.encoder().await {
                Ok(encoder) => Some(encoder),
                Err(reply) => return (*reply, After::Nothing),
            },
            None => None,
        };
        let mine = match self.mine(asked, &fresh).await {
            Ok(mine) => mine,
            Err((reply, after)) => return (*reply, after),
        };
        let value = match value(asked, &mine.id, encoder).await {
            Ok(value) => value,
            Err(reply) => return (*reply, self.not_encoded(asked, mine).await),
        };
        let outgoing = self.outgoing(asked, &mine.id, value);
        match self.producer.deliver(&outgoing).await {
            Ok(()) => {
                count("received");
                (self.received(asked, &mine.id), After::Sent(mine.id))
            }
            Err(error) => self.not_sent(asked, mine, &error).await,
        }
    }

    /// Claims the task; waits while another request sends it.
    async fn mine(&self, asked: &TaskRequest, fresh: &str) -> Result<Mine, (Box<Reply>, After)> {
        let sending = self.settings.acknowledge_within + MARGIN;
        let new = NewTask {
            id: fresh,
            owner: &asked.owner,
            sending,
            timeout: self.settings.timeout,
            keep: self.settings.keep,
            rate: self.settings.rate,
            repeat: asked.repeat.as_ref(),
        };
        let deadline = Instant::now() + sending;
        loop {
            // The owner is stored before a worker can receive the task.
            let reply = match self.store.take_task(&new).await {
                Ok(Taken::New) => {
                    let (id, taking) = (fresh.to_owned(), 1);
                    return Ok(Mine { id, taking });
                }
                Ok(Taken::Again(id, taking)) => return Ok(Mine { id, taking }),
                Ok(Taken::Busy(_)) if Instant::now() < deadline => {
                    sleep(LOOK).await;
                    continue;
                }
                Ok(Taken::Busy(_)) => later(
                    StatusCode::CONFLICT,
                    "another request is still sending this task",
                    1,
                ),
                Ok(Taken::Sent(id)) => {
                    count("repeated");
                    self.received(asked, &id)
                }
                Ok(Taken::Differs) => differs(),
                Ok(Taken::Limited(wait)) => limited(wait),
                Err(error) => {
                    let after = After::Forget(fresh.to_owned());
                    return Err((Box::new(away(&error)), after));
                }
            };
            return Err((Box::new(reply), After::Nothing));
        }
    }

    /// Removes a task that certainly is not in Kafka, since it does not fit its schema. An earlier
    /// request may have sent it.
    async fn not_encoded(&self, asked: &TaskRequest, mine: Mine) -> After {
        match self.give_up(asked, &mine.id, mine.taking, true).await {
            Err(_) if mine.taking == 1 => After::Forget(mine.id),
            _ => After::Nothing,
        }
    }

    fn outgoing(&self, asked: &TaskRequest, id: &str, value: Vec<u8>) -> Outgoing {
        let (parent, state) = trace::context(&asked.headers);
        let owner = asked.owner.as_str().to_owned();
        let state = state.map(|state| ("tracestate", state));
        let headers = [("millstream.client", owner), ("traceparent", parent)];
        let headers = headers.into_iter().chain(state);
        Outgoing {
            topic: self.settings.request_topic.clone(),
            key: Some(id.into()),
            value: Some(value),
            headers: headers
                .map(|(name, value)| (name.into(), Some(value.into_bytes())))
                .collect(),
        }
    }

    /// Removes a task that certainly is not in Kafka. A task that may be there
    /// stays, so that its results find its owner; an earlier request may have
    /// sent it.
    async fn not_sent(
        &self,
        asked: &TaskRequest,
        mine: Mine,
        error: &NotAcknowledged,
    ) -> (Reply, After) {
        count("unacknowledged");
        let topic = &self.settings.request_topic;
        let NotAcknowledged { why, certain, .. } = error;
        tracing::warn!(topic, why, certain, "Kafka did not acknowledge a task");
        let none = *certain && mine.taking == 1;
        let given_up = self.give_up(asked, &mine.id, mine.taking, *certain).await;
        let reply = if error.too_large {
            let why = "the task is larger than Kafka accepts (max.message.bytes)";
            problem(StatusCode::PAYLOAD_TOO_LARGE, why)
        } else {
            let why = match none {
                true => "Kafka did not accept the task; there is no task".to_owned(),
                false => format!(
                    "Kafka did not acknowledge the task in time but may have it; a request with the \
                     same Idempotency-Key is the same task, {}",
                    mine.id
                ),
            };
            later(StatusCode::SERVICE_UNAVAILABLE, &why, AWAY)
        };
        match given_up {
            // A task that was never sent must not time out.
            Err(_) if none => (reply, After::Forget(mine.id)),
            _ => (reply, After::Nothing),
        }
    }

    async fn give_up(
        &self,
        asked: &TaskRequest,
        id: &str,
        taking: u64,
        certain: bool,
    ) -> Result<(), Unavailable> {
        let unsent = Unsent {
            id,
            owner: &asked.owner,
            repeat: asked.repeat.as_ref().map(|repeat| &*repeat.key),
            taking,
            certain,
        };
        self.store.give_task_up(&unsent).await
    }

    /// The work that the answer does not wait for.
    async fn finish(&self, asked: &TaskRequest, after: After) {
        match after {
            After::Nothing => {}
            After::Sent(id) => {
                // If this fails, the timeout starts a little later and a
                // repeated request sends the task again. That is harmless: the
                // task ends once.
                if let Err(error) = self.store.task_is_sent(&id).await {
                    tracing::debug!(%error, "can't mark a task as sent in Redis");
                }
            }
            After::Forget(id) => {
                for _ in 0..TRIES {
                    if self.give_up(asked, &id, 1, true).await.is_ok() {
                        return;
                    }
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    fn received(&self, asked: &TaskRequest, id: &str) -> Reply {
        let message = "Task received";
        let body = json!({ "taskId": id, "status": "received", "message": message });
        let mut reply = json(StatusCode::ACCEPTED, &body);
        let client = match self.auth.is_anonymous() {
            true => {
                let client = utf8_percent_encode(asked.owner.as_str(), NON_ALPHANUMERIC);
                format!("?client={client}")
            }
            false => String::new(),
        };
        // All of its parts are valid in a header.
        if let Ok(location) = HeaderValue::from_str(&format!("{TASKS}/{id}{client}")) {
            reply.headers_mut().insert(header::LOCATION, location);
        }
        reply
    }
}

/// The value of the task's record.
async fn value(
    asked: &TaskRequest,
    id: &str,
    encoder: Option<Encoder>,
) -> Result<Vec<u8>, Box<Reply>> {
    let start = format!(r#"{{"taskId":"{id}","payload":"#);
    let json = [start.as_bytes(), &asked.body, b"}"].concat();
    match encoder {
        None => Ok(json),
        Some(encoder) => encoded(encoder, json).await,
    }
}

fn differs() -> Reply {
    count("refused");
    let why = "this Idempotency-Key was used with another body";
    problem(StatusCode::UNPROCESSABLE_ENTITY, why)
}

fn limited(wait: Duration) -> Reply {
    count("limited");
    let seconds = wait.as_secs_f64().ceil() as u64;
    let why = "this client exceeds its rate of tasks";
    later(StatusCode::TOO_MANY_REQUESTS, why, seconds)
}

fn away(error: &Unavailable) -> Reply {
    count("unavailable");
    // Redis's error may contain internal details.
    tracing::warn!(%error, "can't store a task in Redis");
    let why = "the store does not answer";
    later(StatusCode::SERVICE_UNAVAILABLE, why, AWAY)
}
