//! How commands end: what is said, and with which code.

use super::{USAGE, bytes};
use crate::config::ConfigError;
use crate::kafka::Failure;
use crate::log;
use std::ffi::c_int;
use std::io::{self, Write};

unsafe extern "C" {
    fn _exit(code: c_int) -> !;
}

/// Ends the process at once. Returning from `main` would have libraries clean
/// up: OpenSSL then frees what threads of librdkafka still use, and the process
/// may die of it, whatever it has done.
pub(super) fn end(code: u8) -> ! {
    let _ = io::stdout().flush();
    // SAFETY: it takes a number, and nothing comes after it.
    unsafe { _exit(code.into()) }
}

/// What was asked for does not go together, which clap can't tell: exit code
/// 64.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub String);

impl Usage {
    pub fn error(what: String) -> anyhow::Error {
        Usage(what).into()
    }
}

/// Says what went wrong; the exit code. Whoever reads our output and stops (`| head`) had
/// enough: that is no error.
pub(super) fn report(error: &anyhow::Error) -> u8 {
    if is_broken_pipe(error) {
        return 0;
    }
    // It may name what others have written, such as the group most like it.
    eprintln!(
        "millstream: {}",
        bytes::lines(&log::cut(&format!("{error:#}")))
    );
    if is_usage(error) { USAGE } else { 1 }
}

pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn is_usage(error: &anyhow::Error) -> bool {
    let properties = matches!(error.downcast_ref(), Some(Failure::Properties(_)));
    properties || error.is::<ConfigError>() || error.is::<Usage>()
}
