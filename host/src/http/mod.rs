//! HTTP listeners: what the SSE and the admin listener have in common.
//!
//! Promises: a reader that stops reading is cut off; half a request is cut
//! off; running out of descriptors is survived and said. This folder knows
//! nothing of what is served.

mod io;
mod reply;
mod server;

pub use reply::{Body, Reply, html, json, text};
pub use server::{Handler, Listener};

pub use hyper::{Method, Request, Response, StatusCode, body::Incoming, header};
