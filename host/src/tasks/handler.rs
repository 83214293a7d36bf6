//! Routes and authorizes requests for tasks.

use super::answers::count;
use super::answers::{bad, later};
use super::encode::TaskEncoder;
use super::in_flight::InFlight;
use super::settings::TaskSettings;
use crate::access::{Cors, Denied, Origin, foreign, refusal, who};
use crate::auth::{Auth, Refused};
use crate::http::{
    Incoming, Method, Peer, Reply, Request, StatusCode, check_names, decoded, discard_body, header,
    not_allowed, parameter,
};
use crate::kafka::producer::ConfirmedProducer;
use crate::record::ClientId;
use crate::schema::{Encoding, Registry};
use crate::store::Store;
use header::HeaderValue;
use std::sync::Arc;

/// The path of tasks.
pub const TASKS: &str = "/v1/tasks";
const OF_ALL: &str = "POST, OPTIONS";
const OF_ONE: &str = "GET, HEAD, OPTIONS";
/// The request headers that pages may send.
const SENT: &str = "authorization, content-type, idempotency-key, traceparent, tracestate";

/// Whether a client's tokens issued at that time are revoked.
pub type IsRevoked = Box<dyn Fn(&ClientId, Option<u64>) -> bool + Send + Sync>;

/// Answers requests for tasks.
pub struct TaskHandler {
    pub(super) settings: TaskSettings,
    pub(super) store: Arc<Store>,
    pub(super) producer: ConfirmedProducer,
    pub(super) encoder: Option<TaskEncoder>,
    pub(super) in_flight: InFlight,
    pub(super) auth: Arc<Auth>,
    cors_origins: Vec<String>,
    is_revoked: IsRevoked,
}

impl TaskHandler {
    /// A gateway that keeps its tasks in `store`. `registry` has the schema of tasks, if there is
    /// one.
    pub fn new(
        settings: TaskSettings,
        store: Arc<Store>,
        producer: ConfirmedProducer,
        registry: Option<&Registry>,
        auth: Arc<Auth>,
        cors_origins: Vec<String>,
        is_revoked: IsRevoked,
    ) -> TaskHandler {
        let encoding = settings.encode.clone().zip(registry.cloned());
        let encoding = encoding.map(|(by, registry)| Encoding::new(registry, by));
        TaskHandler {
            encoder: encoding.map(|of| TaskEncoder::new(of, settings.acknowledge_within)),
            in_flight: InFlight::new(settings.max_body),
            settings,
            store,
            producer,
            auth,
            cors_origins,
            is_revoked,
        }
    }

    /// Returns when no request is in progress.
    pub async fn idle(&self) {
        self.in_flight.empty().await;
    }

    /// Whether the gateway serves a path.
    pub fn has(path: &str) -> bool {
        let below = path.strip_prefix(TASKS);
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    }

    /// Answers a request for a path that the gateway
    /// [serves](TaskHandler::has).
    pub async fn handle(self: &Arc<Self>, request: Request<Incoming>, peer: Peer) -> Reply {
        let path = request.uri().path().to_owned();
        let id = path.strip_prefix(TASKS).and_then(|p| p.strip_prefix('/'));
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, ());
        let cors = Cors::of(&self.cors_origins, &request);
        let mut reply = match (request.method(), id) {
            (&Method::OPTIONS, None) => cors.preflight(OF_ALL, SENT),
            (&Method::OPTIONS, Some(_)) => cors.preflight(OF_ONE, SENT),
            (&Method::POST, None) if peer.full => {
                // Otherwise a client that is still sending sees a broken
                // connection.
                discard_body(request.headers(), body).await;
                full()
            }
            (&Method::GET | &Method::HEAD, Some(_)) if peer.full => full(),
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
        reply
    }

    /// The authorized client of the request.
    pub(super) fn who(
        &self,
        request: &Request<()>,
        cors: &Cors<'_>,
    ) -> Result<ClientId, Box<Reply>> {
        // Also without tokens: any page that a browser shows may post to this
        // machine.
        if cors.origin == Origin::Foreign {
            return Err(Box::new(foreign()));
        }
        let query = request.uri().query().unwrap_or_default();
        check_names(query, &["client"]).map_err(|why| bad(&why))?;
        let client = parameter(query, "client").map_err(|why| bad(&why))?;
        let client = client.map(decoded);
        let verified = who(&self.auth, request, cors, client.as_deref());
        let verified = verified.map_err(Denied::reply)?;
        if (self.is_revoked)(&verified.client, verified.issued_at) {
            return Err(Box::new(refusal(&Refused::revoked())));
        }
        Ok(verified.client)
    }
}

/// The answer to a connection over the limit.
fn full() -> Reply {
    count("shed");
    later(StatusCode::SERVICE_UNAVAILABLE, "too many connections", 5)
}
