//! Who may ask what of the gateway.

use super::settings::TaskSettings;
use crate::access::{Cors, Origin, foreign, refusal, who};
use crate::auth::{Auth, Refused};
use crate::http::{
    Body, Incoming, Method, Reply, Request, StatusCode, decoded, header, parameter, problem,
};
use crate::ingest::Courier;
use crate::record::ClientId;
use crate::store::Store;
use header::HeaderValue;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Where tasks are.
pub const TASKS: &str = "/v1/tasks";
const OF_ALL: &str = "POST, OPTIONS";
const OF_ONE: &str = "GET, HEAD, OPTIONS";
/// What pages may send.
const SENT: &str = "authorization, content-type, idempotency-key, traceparent, tracestate";
/// Requests that are under way at once, each with a body in memory and a
/// record on its way; more are told to come back.
const UNDER_WAY: usize = 1024;

/// Whether a client's tokens of that time are revoked.
pub type IsRevoked = Box<dyn Fn(&ClientId, Option<u64>) -> bool + Send + Sync>;

/// Answers requests for tasks.
pub struct TaskHandler {
    pub(super) settings: TaskSettings,
    pub(super) store: Arc<Store>,
    pub(super) courier: Courier,
    pub(super) under_way: Semaphore,
    auth: Arc<Auth>,
    cors_origins: Vec<String>,
    is_revoked: IsRevoked,
}

impl TaskHandler {
    /// A gateway that keeps its tasks in `store`.
    pub fn new(
        settings: TaskSettings,
        store: Arc<Store>,
        courier: Courier,
        auth: Arc<Auth>,
        cors_origins: Vec<String>,
        is_revoked: IsRevoked,
    ) -> TaskHandler {
        TaskHandler {
            settings,
            store,
            courier,
            under_way: Semaphore::new(UNDER_WAY),
            auth,
            cors_origins,
            is_revoked,
        }
    }

    /// Whether a path is the gateway's.
    pub fn has(path: &str) -> bool {
        let below = path.strip_prefix(TASKS);
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    }

    /// Answers a request for a path that it [has](TaskHandler::has).
    pub async fn handle(&self, request: Request<Incoming>) -> Reply {
        let path = request.uri().path().to_owned();
        let id = path.strip_prefix(TASKS).and_then(|p| p.strip_prefix('/'));
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, ());
        let cors = Cors::of(&self.cors_origins, &request);
        let mut reply = match (request.method(), id) {
            (&Method::OPTIONS, None) => cors.preflight(OF_ALL, SENT),
            (&Method::OPTIONS, Some(_)) => cors.preflight(OF_ONE, SENT),
            (&Method::POST, None) => self.post(&request, body, &cors).await,
            (&Method::GET | &Method::HEAD, Some(id)) => self.get(&request, id, &cors).await,
            (_, None) => not_allowed(OF_ALL),
            (_, Some(_)) => not_allowed(OF_ONE),
        };
        cors.admit(reply.headers_mut());
        if cors.origin == Origin::Allowed {
            let seen = HeaderValue::from_static("location, retry-after");
            let name = header::ACCESS_CONTROL_EXPOSE_HEADERS;
            reply.headers_mut().insert(name, seen);
        }
        if request.method() == Method::HEAD {
            without_body(&mut reply);
        }
        reply
    }

    /// Who asks, if they may.
    pub(super) fn who(
        &self,
        request: &Request<()>,
        cors: &Cors<'_>,
    ) -> Result<ClientId, Box<Reply>> {
        // Without tokens as well: whatever page a browser shows may post to
        // this machine.
        if cors.origin == Origin::Foreign {
            return Err(Box::new(foreign()));
        }
        let query = request.uri().query().unwrap_or_default();
        let client = parameter(query, "client").map_err(|why| bad(&why))?;
        let client = client.map(decoded);
        let verified = who(&self.auth, request, cors, client.as_deref())?;
        if (self.is_revoked)(&verified.client, verified.issued_at) {
            return Err(Box::new(refusal(&Refused::revoked())));
        }
        Ok(verified.client)
    }
}

pub(super) fn bad(why: &str) -> Box<Reply> {
    Box::new(problem(StatusCode::BAD_REQUEST, why))
}

/// An answer that is to be asked for again.
pub(super) fn later(status: StatusCode, why: &str, seconds: u64) -> Reply {
    let mut reply = problem(status, why);
    reply
        .headers_mut()
        .insert(header::RETRY_AFTER, seconds.max(1).into());
    reply
}

fn not_allowed(methods: &'static str) -> Reply {
    let mut reply = problem(StatusCode::METHOD_NOT_ALLOWED, &format!("use {methods}"));
    let allow = HeaderValue::from_static(methods);
    reply.headers_mut().insert(header::ALLOW, allow);
    reply
}

/// An answer to HEAD (RFC 9110, 9.3.2): its headers alone.
fn without_body(reply: &mut Reply) {
    if let Body::Whole(Some(bytes)) = std::mem::replace(reply.body_mut(), Body::Whole(None)) {
        let length = bytes.len().into();
        reply.headers_mut().insert(header::CONTENT_LENGTH, length);
    }
}
