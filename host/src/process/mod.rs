//! How the process ends, its log, and the threads that it needs.
//!
//! Promises: a panic in any thread ends the process, and so does the end of a
//! thread or task that must keep running. The ledger makes a crash safe, and a
//! supervisor restarts the process. The log never blocks it: a line that can't be
//! written is dropped and counted. Does not know what runs.

pub mod child;
pub mod log;
pub mod memory;
mod panics;
mod pulse;
mod stderr;

pub use panics::{abort_on_panic, exit_on_panic};
pub use pulse::Pulse;

use std::ffi::c_int;
use std::io::{self, Write};
use std::thread::{Builder, JoinHandle};

/// This program's own file, also if it was replaced since.
pub const THIS_PROGRAM: &str = "/proc/self/exe";

unsafe extern "C" {
    fn _exit(code: c_int) -> !;
}

/// Ends the process at once, without cleanup. If `main` returned, OpenSSL would
/// free memory that threads of librdkafka still use, and the process could crash
/// after it has succeeded.
pub fn end(code: u8) -> ! {
    let _ = io::stdout().flush();
    // SAFETY: `_exit` takes a number and does not return.
    unsafe { _exit(code.into()) }
}

/// Logs the reason and ends a process that can't do its work, with exit code 1.
pub fn fail(why: &str) -> ! {
    tracing::error!("exiting: {why}");
    end(1)
}

/// Starts a thread that the process needs: if `run` returns while `may_end` is
/// false, the process ends.
///
/// # Errors
/// If the system can't start a thread.
pub fn thread(
    name: String,
    may_end: impl Fn() -> bool + Send + 'static,
    run: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let what = format!("thread {name} ended unexpectedly");
    Builder::new().name(name).spawn(move || {
        run();
        if !may_end() {
            fail(&what);
        }
    })
}
