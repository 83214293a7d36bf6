//! HTTP listeners: what the SSE and the admin listener share.
//!
//! Promises: a client that stops reading is disconnected; an incomplete request
//! is disconnected; running out of file descriptors is survived and logged; a
//! streaming answer may take over the socket. This folder does not know what is
//! served.

mod body;
mod connection;
mod crowd;
mod handler;
mod host;
mod io;
mod open_connection;
mod peer;
mod protocol;
mod query;
mod refusals;
mod reply;
mod server;
mod settings;
mod stop;
mod streams;
mod takeover;
mod tls;

pub use body::{BodyError, discard as discard_body, read as read_body};
pub use handler::Handler;
pub use host::{HostGuard, asked_for, is_cross_site};
pub use peer::Peer;
pub use query::{check_names, decoded, parameter, parameter_of};
pub use refusals::{Because, WithRefusalCounts};
pub use reply::{Body, Endless, Reply, html, json, not_allowed, problem, raw_json, script, text};
pub use server::Listener;
pub use settings::ListenerSettings;
pub use tls::{Tls, TlsFiles};

pub use hyper::{Method, Request, Response, StatusCode, body::Incoming, header};

use std::pin::Pin;

/// A boxed future.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
