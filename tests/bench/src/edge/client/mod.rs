//! A process of clients: one thread that reads some ten thousand streams.
//!
//! It knows nothing about Redis or the expected events; it counts what arrives. A client is a task
//! of a few hundred bytes; all reads use one shared buffer.

mod connection;
pub mod http;
mod orders;
mod shared;
pub mod sse;
#[cfg(test)]
mod tests;

use shared::Shared;
use std::rc::Rc;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

/// Carries out the orders from standard input until it ends.
pub fn run() {
    // One thread: the measured server needs the cores, and without threads no lock is needed.
    let mut runtime = Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let shared = Rc::new(Shared::new());
    LocalSet::new().block_on(&runtime, orders::serve(shared));
}
