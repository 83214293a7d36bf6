//! The calls about clients: list, disconnect, revoke, empty a stream.

use crate::clock;
use crate::http::{
    Because, Method, Reply, StatusCode, check_names, header, json, not_allowed, parameter, problem,
};
use crate::record::ClientId;
use crate::sse::{Connected, Hub};
use header::HeaderMap;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use std::time::UNIX_EPOCH;

/// The most seconds of clock skew.
const AHEAD: u64 = 60;
/// Connections listed if no limit is given.
const LISTED: usize = 1000;

/// Answers `/v1/clients` and the paths below it; `None` for other paths.
pub(super) async fn answer(
    hub: &Hub,
    method: &Method,
    (path, query): (&str, &str),
    headers: &HeaderMap,
) -> Option<Reply> {
    let below = path.strip_prefix("/v1/clients")?;
    let parts: Vec<&str> = below.split('/').collect();
    if let Err(why) = check_names(query, &["limit", "before"]) {
        // Checked first: a revocation with a misspelt `before` would revoke all
        // tokens.
        return Some(problem(StatusCode::BAD_REQUEST, &why));
    }
    let reply = match (&parts[..], method) {
        ([""], &(Method::GET | Method::HEAD)) => list(hub, None, query).await,
        (["", client], &(Method::GET | Method::HEAD)) => list(hub, Some(client), query).await,
        (["", _, "disconnect" | "revoke"], &Method::POST)
        | (["", _, "stream"], &Method::DELETE)
            if headers.contains_key(header::ORIGIN) =>
        {
            // A page that a browser shows may send such a request to loopback.
            let why = "requests from web pages (with an Origin header) are not allowed";
            let reply = problem(StatusCode::FORBIDDEN, why);
            return Some(Because::on("origin", why, reply));
        }
        (["", client, act @ ("disconnect" | "revoke")], &Method::POST) => {
            act_on(hub, client, act, query).await
        }
        (["", client, "stream"], &Method::DELETE) => empty_stream(hub, client).await,
        ([""] | ["", _], _) => Err(Box::new(not_allowed("GET, HEAD"))),
        (["", _, "disconnect" | "revoke"], _) => Err(Box::new(not_allowed("POST"))),
        (["", _, "stream"], _) => Err(Box::new(not_allowed("DELETE"))),
        (["", _, ..], _) => Err(Box::new(problem(
            StatusCode::NOT_FOUND,
            "not found: below a client are disconnect and revoke (POST) and stream (DELETE)",
        ))),
        _ => return None,
    };
    Some(reply.unwrap_or_else(|refused| *refused))
}

fn client_of(part: &str) -> Result<ClientId, Box<Reply>> {
    let id: Vec<u8> = percent_decode_str(part).collect();
    let bad = |e| {
        Box::new(problem(
            StatusCode::BAD_REQUEST,
            &format!("the client id {e}"),
        ))
    };
    ClientId::new(&id).map_err(bad)
}

/// A numeric parameter of the query.
fn number<T: std::str::FromStr>(query: &str, name: &str) -> Result<Option<T>, Box<Reply>> {
    let bad = |why: String| Box::new(problem(StatusCode::BAD_REQUEST, &why));
    let value = parameter(query, name).map_err(bad)?;
    let parsed = value.map(|value| {
        value
            .parse()
            .map_err(|_| bad(format!("{name}: must be a whole number")))
    });
    parsed.transpose()
}

async fn list(hub: &Hub, client: Option<&str>, query: &str) -> Result<Reply, Box<Reply>> {
    let client = client.map(client_of).transpose()?;
    let limit = number(query, "limit")?.unwrap_or(LISTED);
    let (connections, count) = hub.connections(client.as_ref(), limit).await;
    let listed: Vec<Value> = connections.iter().map(shown).collect();
    let body = json!({ "count": count, "connections": listed });
    Ok(json(StatusCode::OK, &body))
}

fn shown(of: &Connected) -> Value {
    let since = of.since.duration_since(UNIX_EPOCH).unwrap_or_default();
    json!({
        "client": of.client.as_str(),
        "address": of.address.to_string(),
        "since": since.as_secs(),
        "groups": of.groups,
        "cursor": of.cursor,
        "queued-bytes": of.queued,
        "behind-ms": of.behind_ms,
    })
}

/// Connected clients continue with new events; clients that resume receive a
/// gap.
async fn empty_stream(hub: &Hub, client: &str) -> Result<Reply, Box<Reply>> {
    let client = client_of(client)?;
    let removed = hub.empty_stream(&client).await;
    let removed = removed.map_err(|why| Box::new(away(&why)))?;
    Ok(json(StatusCode::OK, &json!({ "removed": removed })))
}

fn away(why: &str) -> Reply {
    problem(StatusCode::SERVICE_UNAVAILABLE, why)
}

async fn act_on(hub: &Hub, client: &str, act: &str, query: &str) -> Result<Reply, Box<Reply>> {
    let client = client_of(client)?;
    let done = match act {
        "disconnect" => hub.disconnect(&client).await.map(|()| json!({})),
        _ => {
            // The current second counts as past for this client's tokens.
            let now = clock::unix().as_secs() + 1;
            let before = number(query, "before")?.unwrap_or(now);
            if before > now + AHEAD {
                let why = "before: must be in seconds since 1970 and not in the future, since a revocation \
                           can't be undone";
                return Err(Box::new(problem(StatusCode::BAD_REQUEST, why)));
            }
            let revoked = hub.revoke(&client, before).await;
            revoked.map(|()| json!({ "before": before }))
        }
    };
    done.map(|body| json(StatusCode::OK, &body))
        .map_err(|why| Box::new(away(&why)))
}
