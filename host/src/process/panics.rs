//! A panic ends the process. Otherwise the other threads would wait for the dead
//! one, and the daemon would still report that it is ready.

use super::{end, stderr};
use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::Write;
use std::panic::PanicHookInfo;

/// From now on a panic is reported and aborts the process. A hook does it, since
/// `panic = "abort"` in a profile does not apply to tests.
pub fn abort_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        stderr::report(&report(panic));
        std::process::abort();
    }));
}

/// From now on a panic is reported and ends the process with exit code 1. For the
/// child that compiles untrusted plugins, where libraries may panic.
pub fn exit_on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        stderr::report(&report(panic));
        end(1);
    }));
}

/// One line, then the backtrace if `RUST_BACKTRACE` asks for it.
fn report(panic: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("unnamed");
    let at = panic.location().map(ToString::to_string);
    let at = at.unwrap_or_default();
    let message = panic.payload_as_str().unwrap_or("no message");
    let message = message.replace('\n', " ");
    let mut report = format!("millstream: exiting: thread `{name}` panicked at {at}: {message}\n");
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        let _ = writeln!(report, "{trace}");
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn a_panic_is_reported_in_one_line_with_its_thread_and_place() {
        let (tell, told) = sync_channel(1);
        // The hook of the test harness is restored before another test can panic.
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let _ = tell.try_send(report(panic));
        }));
        let thread = std::thread::Builder::new().name("a-name".into());
        let broken = thread.spawn(|| panic!("two\nlines")).unwrap().join();
        std::panic::set_hook(before);
        assert!(broken.is_err());
        let report = told.recv().unwrap();
        let line = report.lines().next().unwrap();
        assert!(line.starts_with("millstream: exiting: thread `a-name` panicked at host/src/"));
        assert!(line.ends_with(": two lines"), "{line}");
    }
}
