//! Runs a plugin natively, in `cargo test`, through the same flat batches as
//! the host, and checks its answers as the host does, so that it behaves as in
//! the daemon.

mod check;
mod dead_letter;
mod input;
mod route;
mod stateful;
mod transform;

pub use dead_letter::{DeadLetterTest, TestFailure};
pub use input::TestRecord;
pub use route::{RouteTest, TestDestination, TestEvent};
pub use stateful::StatefulTest;
pub use transform::{MadeEvent, NativeTransform, TransformTest};
