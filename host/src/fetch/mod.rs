//! Documents at HTTP addresses, refetched while the daemon runs.
//!
//! Promises: the value parsed from a document stays current until a newer
//! document is complete and valid; the server is not trusted, so slow, huge and
//! broken responses change nothing; an address is fetched no more often than
//! configured, whatever is looked for. This folder does not know what documents
//! contain, and never logs query strings.

mod address;
mod client;
mod fetched;
mod missing_names;
mod server;

pub use address::Address;
pub use client::{TooLong, read};
pub use fetched::{Fetched, Source, Version};
pub use server::{Answer, BaseUrl, Server, ServerLogin, ServerTls};
