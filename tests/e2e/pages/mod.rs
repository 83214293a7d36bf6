//! Streams in a browser's pages: the module for those that send a token, and
//! EventSource with cookies, across origins, over TLS and HTTP/2.

mod cookie;
mod module;
mod page;
mod token;

use std::time::Duration;

/// Not an expectation of speed: what is not there by then never comes.
const SOON: Duration = Duration::from_secs(60);
