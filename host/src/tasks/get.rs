//! `GET /v1/tasks/<id>`.

use super::answers::later;
use super::handler::TaskHandler;
use crate::access::Cors;
use crate::http::{Reply, Request, StatusCode, decoded, problem, raw_json};
use crate::store::Task;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

impl TaskHandler {
    pub(super) async fn get(&self, request: &Request<()>, id: &str, cors: &Cors<'_>) -> Reply {
        let client = match self.who(request, cors) {
            Ok(client) => client,
            Err(refused) => return *refused,
        };
        let id = String::from_utf8_lossy(&decoded(id)).into_owned();
        let task = match self.store.task(&id).await {
            Ok(task) => task,
            Err(error) => {
                tracing::warn!(%error, "can't read a task from Redis");
                let why = "the store does not answer";
                return later(StatusCode::SERVICE_UNAVAILABLE, why, 2);
            }
        };
        match task.filter(|task| task.owner == client) {
            Some(task) => raw_json(StatusCode::OK, shown(&id, &task)),
            // Does not reveal tasks of other clients.
            None => problem(
                StatusCode::NOT_FOUND,
                "task not found: it is unknown, expired, or of another client",
            ),
        }
    }
}

/// The worker's JSON is inserted unchanged.
fn shown(id: &str, task: &Task) -> String {
    let result = match task.result.as_deref().map(std::str::from_utf8) {
        Some(Ok(text)) if serde_json::from_str::<IgnoredAny>(text).is_ok() => text.to_owned(),
        Some(Ok(text)) => Value::from(text).to_string(),
        _ => "null".into(),
    };
    let time = |millis: Option<u64>| {
        let millis = millis.and_then(|millis| i64::try_from(millis).ok());
        let time = millis.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
        json!(time.map(|time| format!("{time:.3}")))
    };
    format!(
        r#"{{"taskId":{},"status":{},"final":{},"receivedAt":{},"updatedAt":{},"result":{result}}}"#,
        Value::from(id),
        Value::from(&*task.status),
        task.ended,
        time(Some(task.received)),
        time(task.updated),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ClientId;

    #[test]
    fn a_task_is_shown_with_the_workers_json_unchanged() {
        let task = |result: Option<&str>| Task {
            owner: ClientId::new(b"ada").unwrap(),
            status: "a \"b\"".into(),
            ended: true,
            result: result.map(|result| result.to_owned().into()),
            received: 1_795_246_200_250,
            updated: result.map(|_| 1_795_246_201_000),
        };
        let start = r#"{"taskId":"t","status":"a \"b\"","final":true,"receivedAt":"2026-11-21T07:30:00.250Z","#;
        for (result, rest) in [
            (None, r#""updatedAt":null,"result":null}"#),
            (
                Some(r#"{"z":1.50,"a":1}"#),
                r#""updatedAt":"2026-11-21T07:30:01.000Z","result":{"z":1.50,"a":1}}"#,
            ),
            (
                Some("no \"JSON\""),
                r#""updatedAt":"2026-11-21T07:30:01.000Z","result":"no \"JSON\""}"#,
            ),
        ] {
            assert_eq!(shown("t", &task(result)), format!("{start}{rest}"));
        }
    }
}
