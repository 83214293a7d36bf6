//! `GET /v1/events`.

use super::BoxFuture;
use super::connection::Begin;
use super::hub::Hub;
use crate::http::{
    Body, Handler, Incoming, Method, Reply, Request, Response, StatusCode, header, text,
};
use crate::record::ClientId;
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
                .insert(header::ALLOW, header::HeaderValue::from_static("GET"));
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
    let fixed = header::HeaderValue::from_static;
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
    let parameter = |name: &str| -> Option<Cow<'_, str>> {
        form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, v)| v)
    };
    let client = parameter("client").ok_or("which client? ask for /v1/events?client=<id>")?;
    let client = ClientId::new(client.as_bytes()).map_err(|e| format!("client: {e}"))?;
    let resume = match request.headers().get("last-event-id") {
        Some(value) => Some(Cow::from(
            value.to_str().map_err(|_| "Last-Event-ID is not text")?,
        )),
        None => parameter("last-event-id"),
    };
    if let Some(id) = resume.filter(|id| !id.is_empty()) {
        let id = id.parse().map_err(|e| format!("Last-Event-ID: {e}"))?;
        return Ok((client, Begin::After(id)));
    }
    match parameter("from").as_deref() {
        None | Some("live") => Ok((client, Begin::Live)),
        Some("earliest") => Ok((client, Begin::Earliest)),
        Some(_) => Err("from: either earliest or live".into()),
    }
}
