//! Streams in a browser's pages: the module for pages that send a token, and EventSource with
//! cookies, across origins, over TLS and HTTP/2.

mod cookie;
mod module;
mod page;
mod token;

use std::time::Duration;

/// A time-out for things that happen eventually, not an expectation of speed.
const SOON: Duration = Duration::from_secs(60);
