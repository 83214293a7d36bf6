//! `GET /v1/events`.

use super::BoxFuture;
use super::connection::Begin;
use super::hub::Hub;
use crate::http::{
    Body, Handler, Incoming, Method, Reply, Request, Response, StatusCode, header, text,
};
use crate::record::ClientId;
use header::HeaderValue;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::sync::Arc;

/// Further pages of the listener (the demo's): a path they don't know is `None`.
pub type Extra = Box<dyn Fn(&Request<Incoming>) -> Option<BoxFuture<'static, Reply>> + Send + Sync>;

/// Serves the streams.
pub struct SseHandler {
    /// Who is connected.
    pub hub: Arc<Hub>,
    /// Further pages.
    pub extra: Option<Extra>,
}

impl Handler for SseHandler {
    async fn handle(&self, request: Request<Incoming>) -> Reply {
        if request.uri().path() != "/v1/events" {
            let extra = self.extra.as_ref().and_then(|extra| extra(&request));
            return match extra {
                Some(reply) => reply.await,
                None => text(
                    StatusCode::NOT_FOUND,
                    "not found; streams are at /v1/events\n",
                ),
            };
        }
        if request.method() != Method::GET {
            let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, "use GET\n");
            reply
                .headers_mut()
                .insert(header::ALLOW, HeaderValue::from_static("GET"));
            return reply;
        }
        match asked(&request) {
            Ok((client, begin)) => {
                let body = self.hub.open(client, begin).await;
                stream(Body::Stream(Box::pin(body)))
            }
            Err(wrong) => text(StatusCode::BAD_REQUEST, format!("{wrong}\n")),
        }
    }
}

fn stream(body: Body) -> Reply {
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    let fixed = HeaderValue::from_static;
    headers.insert(header::CONTENT_TYPE, fixed("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, fixed("no-store"));
    // nginx would hold frames back until it has 4 KiB of them.
    headers.insert("x-accel-buffering", fixed("no"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    reply
}

/// Who asks, and from where on. The header beats `last-event-id`, which beats
/// `from`.
fn asked(request: &Request<Incoming>) -> Result<(ClientId, Begin), String> {
    let query = request.uri().query().unwrap_or_default();
    let client = parameter(query, "client")?;
    let client = client.ok_or("which client? ask for /v1/events?client=<id>")?;
    let client = ClientId::new(&client).map_err(|e| format!("client: {e}"))?;
    let from = parameter(query, "from")?;
    let in_query = parameter(query, "last-event-id")?;
    let header = request.headers().get("last-event-id");
    let ids = [header.map(HeaderValue::as_bytes), in_query.as_deref()];
    if let Some(id) = ids.into_iter().flatten().find(|id| !id.is_empty()) {
        let id = String::from_utf8_lossy(id).parse();
        return Ok((
            client,
            Begin::After(id.map_err(|e| format!("Last-Event-ID: {e}"))?),
        ));
    }
    match from.as_deref() {
        None | Some(b"live") => Ok((client, Begin::Live)),
        Some(b"earliest") => Ok((client, Begin::Earliest)),
        Some(_) => Err("from: either earliest or live".into()),
    }
}

/// A parameter's bytes, which need not be UTF-8. Twice is an error: what stands
/// before us and checks who asks may look at the other one.
fn parameter<'a>(query: &'a str, name: &str) -> Result<Option<Cow<'a, [u8]>>, String> {
    let mut found = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(key, _)| *decoded(key) == *name.as_bytes());
    let first = found.next().map(|(_, value)| decoded(value));
    match found.next() {
        Some(_) => Err(format!("{name} is there twice")),
        None => Ok(first),
    }
}

/// As a form is encoded: `+` is a space, `%` leads a byte.
fn decoded(text: &str) -> Cow<'_, [u8]> {
    if !text.contains('+') {
        return percent_decode_str(text).into();
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).collect::<Vec<u8>>().into()
}
