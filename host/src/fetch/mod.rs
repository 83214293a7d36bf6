//! Documents at addresses, fetched anew while the daemon runs.
//!
//! Promises: what was made of a document stays in force until a newer one is
//! whole and good; whoever answers there is not trusted, so slow, huge and
//! broken answers change nothing; nobody is asked more often than configured,
//! whatever is looked for. This folder knows nothing of what documents hold,
//! and tells no one's query strings.

mod address;
mod client;
mod fetched;
mod missing_names;

pub use address::Address;
pub use fetched::{Fetched, Source, Version};
