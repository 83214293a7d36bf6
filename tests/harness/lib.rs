//! The base of the end-to-end tests: a real Kafka, real Redis servers, the daemon itself, a small
//! HTTP and SSE client, and a browser.
//!
//! It knows how to start, stop, disturb and read these, and nothing of what Millstream should do
//! with them. All of it blocks; only [`wait_until`] sleeps. Whatever it starts ends with the test
//! process, however that ends (see [`Process`]).
#![allow(
    clippy::unwrap_used,
    reason = "a test that can't go on fails, and says where"
)]

mod browser;
mod cdp;
mod certificate;
mod chunked;
mod clock;
mod config;
mod daemon;
mod exact;
mod frames;
mod guests;
mod http;
pub mod http2;
mod issuer;
mod janitor;
mod kafka;
mod link;
mod log;
mod metrics;
mod ports;
mod process;
mod readers;
mod redis_secured;
mod redis_server;
mod registry;
mod servers;
mod sse;
mod streams;
mod wait;

pub use browser::Browser;
pub use certificate::Certificate;
pub use chunked::Body;
pub use clock::Clock;
pub use config::{SHORT_SESSIONS, config};
pub use daemon::{Daemon, DaemonBuilder, Memory};
pub use exact::assert_exact;
pub use frames::{Frame, Parser};
pub use guests::{counting, guest, guest_at, versioned, workspace};
pub use http::{Response, get, request};
pub use issuer::{Answer, Issuer};
pub use janitor::scratch_dir;
pub use kafka::{Cluster, Consumed, Kafka, Message, RawHeaders, Secured, Transactions};
pub use link::Link;
pub use log::Log;
pub use metrics::{Metrics, metrics};
pub use ports::free_port;
pub use process::{Process, find_program};
pub use readers::{Client, Curl, Event, Reader, Told, python, python_packages, typescript};
pub use redis_secured::SecuredRedis;
pub use redis_server::Redis;
pub use registry::{Registry, serializers};
pub use servers::{
    Servers, create_topic, delete_topic, produce, read_all, registry, servers, streams, unique,
};
pub use sse::Sse;
pub use streams::Entry;
pub use wait::wait_until;
