//! A process of clients: one thread that reads some ten thousand streams.
//!
//! It knows nothing of Redis and of what should arrive; it counts what does. A client is a task of
//! a few hundred bytes; what is read goes through one buffer that they share.

mod check;
mod connection;
mod http;
mod orders;
mod shared;
mod sse;

pub use check::check;

use shared::Shared;
use std::rc::Rc;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

/// Serves the orders of standard input until it ends.
pub fn run() {
    // One thread: the machine is for what is measured, and nothing here needs a lock.
    let mut runtime = Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let shared = Rc::new(Shared::new());
    LocalSet::new().block_on(&runtime, orders::serve(shared));
}
