//! The process: its end, its log, and the threads that it can't do without.
//!
//! Promises: a panic in any thread ends the process, and so does the end of a
//! thread or task that should run; the ledger makes a crash safe, and a
//! supervisor starts it again. Its log never stops it: a line that can't be
//! written is dropped and counted. Knows nothing of what runs.

pub mod log;
mod panics;
mod pulse;
mod stderr;

pub use panics::{abort_on_panic, exit_on_panic};
pub use pulse::Pulse;

use std::ffi::c_int;
use std::io::{self, Write};
use std::thread::{Builder, JoinHandle};

unsafe extern "C" {
    fn _exit(code: c_int) -> !;
}

/// Ends the process at once. Returning from `main` would have libraries clean
/// up: OpenSSL then frees what threads of librdkafka still use, and the process
/// may die of it, whatever it has done.
pub fn end(code: u8) -> ! {
    let _ = io::stdout().flush();
    // SAFETY: it takes a number, and nothing comes after it.
    unsafe { _exit(code.into()) }
}

/// Ends a process that can't do its work any more, with exit code 1.
pub fn fail(why: &str) -> ! {
    tracing::error!("exiting: {why}");
    end(1)
}

/// Starts a thread without which the process is of no use: when `run` returns
/// and `may_end` says no, the process ends.
///
/// # Errors
/// When the system gives no thread.
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
