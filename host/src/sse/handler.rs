//! `GET /v1/events` and the JavaScript module.

use super::hub::Hub;
use super::place::Reader;
use super::registry::Shed;
use super::request::StreamRequest;
use super::stream::OpenStream;
use crate::access::{Cors, Denied, refusal, who};
use crate::auth::{Auth, Refused};
use crate::clock;
use crate::http::{
    Because, Body, BoxFuture, Handler, Incoming, Method, Peer, Reply, Request, Response,
    StatusCode, header, not_allowed, problem, script,
};
use crate::record::GroupName;
use header::{HeaderMap, HeaderValue};
use std::sync::Arc;

const EVENTS: &str = "/v1/events";
const MODULE: &str = "/v1/millstream.js";
const METHODS: &str = "GET, HEAD, OPTIONS";
/// The request headers that pages may send.
const SENT: &str = "authorization, last-event-id, cache-control";

/// Further pages of the listener (the demo's); `None` for an unknown path.
pub type Extra = Box<dyn Fn(&Request<Incoming>) -> Option<BoxFuture<Reply>> + Send + Sync>;

/// Serves the streams.
pub struct SseHandler {
    /// The connections.
    pub hub: Arc<Hub>,
    /// The authentication.
    pub auth: Arc<Auth>,
    /// Further pages.
    pub extra: Option<Extra>,
}

impl Handler for SseHandler {
    async fn handle(&self, request: Request<Incoming>, peer: Peer) -> Reply {
        let path = request.uri().path();
        if path != EVENTS && path != MODULE {
            let extra = self.extra.as_ref().and_then(|extra| extra(&request));
            return match extra {
                Some(reply) => reply.await,
                None => problem(
                    StatusCode::NOT_FOUND,
                    "not found: streams are at /v1/events, the module for fetch at /v1/millstream.js",
                ),
            };
        }
        let cors = Cors::of(&self.hub.limits.settings.cors_origins, &request);
        let mut reply = match *request.method() {
            Method::OPTIONS => cors.preflight(METHODS, SENT),
            Method::GET | Method::HEAD if path == MODULE => script(include_str!("millstream.js")),
            Method::GET | Method::HEAD => self.events(&request, &peer, &cors).await,
            _ => not_allowed(METHODS),
        };
        cors.admit(reply.headers_mut());
        reply
    }
}

impl SseHandler {
    async fn events(&self, request: &Request<Incoming>, peer: &Peer, cors: &Cors<'_>) -> Reply {
        if !takes_events(request.headers()) {
            let why =
                "the Accept header excludes text/event-stream, the only type of this resource";
            return problem(StatusCode::NOT_ACCEPTABLE, why);
        }
        let id = request.headers().get("last-event-id");
        let query = request.uri().query().unwrap_or_default();
        let most = self.hub.limits.settings.groups;
        let asked = match StreamRequest::parse(query, id.map(HeaderValue::as_bytes), most) {
            Ok(asked) => asked,
            Err(wrong) => return problem(StatusCode::BAD_REQUEST, &wrong),
        };
        let reader = match self.reader(request, &asked, peer, cors) {
            Ok(reader) => reader,
            Err(refused) => return *refused,
        };
        if request.method() == Method::HEAD {
            return stream(Body::Whole(None));
        }
        if peer.crowded {
            return self.shed(Shed::Process);
        }
        let hub = self.hub.clone();
        let open = match self.hub.open(asked, reader, peer.chunked) {
            Ok(connection) => OpenStream { hub, connection },
            Err(why) => return self.shed(why),
        };
        let reader = &open.connection.reader;
        if self.hub.is_revoked(&reader.client, reader.issued_at) {
            return refusal(&Refused::revoked());
        }
        // An open stream receives everything from then on, even if the store is
        // away now. So the answer waits for the start.
        let patience = self.hub.limits.settings.heartbeat;
        match tokio::time::timeout(patience, open.connection.begun()).await {
            Ok(()) => stream(Body::Endless(Box::new(open))),
            Err(_) => self.shed(Shed::Store),
        }
    }

    /// The authorized reader of the request.
    fn reader(
        &self,
        request: &Request<Incoming>,
        asked: &StreamRequest,
        peer: &Peer,
        cors: &Cors<'_>,
    ) -> Result<Reader, Box<Reply>> {
        let client = asked.client.as_deref();
        let verified = who(&self.auth, request, cors, client);
        let verified = verified.map_err(|denied| match denied {
            Denied::Refused(reply) => reply,
            Denied::Later(_) => Box::new(self.shed(Shed::Keys)),
        })?;
        let denied = |name: &GroupName| !verified.groups.allows(name.as_str());
        if asked.groups.iter().any(denied) {
            let why = "groups: the token does not list all of the requested groups";
            let reply = problem(StatusCode::FORBIDDEN, why);
            return Err(Box::new(Because::on("other-group", why, reply)));
        }
        if self.hub.is_revoked(&verified.client, verified.issued_at) {
            return Err(Box::new(refusal(&Refused::revoked())));
        }
        Ok(Reader {
            client: verified.client,
            address: peer.address.ip(),
            since: clock::now(),
            issued_at: verified.issued_at,
            expires: verified.expires,
        })
    }

    /// An `EventSource` ends for good on any status but 200, so the answer is
    /// 200 with `retry:`, and the client reconnects.
    fn shed(&self, why: Shed) -> Reply {
        metrics::counter!("millstream_sse_shed_total", "why" => why.name()).increment(1);
        let retry = super::frame::closing(self.hub.retry_ms(3)).bytes(false);
        stream(Body::Whole(Some(retry)))
    }
}

fn stream(body: Body) -> Reply {
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    let fixed = HeaderValue::from_static;
    headers.insert(header::CONTENT_TYPE, fixed("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, fixed("no-store"));
    // Without it nginx buffers frames up to 4 KiB.
    headers.insert("x-accel-buffering", fixed("no"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    reply
}

/// Whether the Accept headers, if any, allow an event stream (RFC 9110,
/// 12.5.1): the most specific matching range decides.
fn takes_events(headers: &HeaderMap) -> bool {
    let ranges = headers.get_all(header::ACCEPT).iter();
    let ranges: Vec<&str> = ranges
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let of = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let precise = match parts.next()?.to_ascii_lowercase().as_str() {
            "text/event-stream" => 2,
            "text/*" => 1,
            "*/*" => 0,
            _ => return None,
        };
        let refused = |part: &str| {
            let quality = part.strip_prefix("q=").or(part.strip_prefix("Q="));
            quality.is_some_and(|q| q.trim().parse::<f32>() == Ok(0.0))
        };
        Some((precise, !parts.any(refused)))
    };
    let best = ranges.iter().filter_map(|range| of(range)).max();
    ranges.is_empty() || best.is_some_and(|(_, takes)| takes)
}
