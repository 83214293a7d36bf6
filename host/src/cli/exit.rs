//! How commands end: what is said, and with which code.

use super::{USAGE, bytes, output};
use crate::config::ConfigError;
use crate::kafka::ClusterError;
use crate::log;
pub(super) use crate::process::end;
use std::io;

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
    output::say(format_args!(
        "millstream: {}",
        bytes::lines(&log::cut(&format!("{error:#}")))
    ));
    if is_usage(error) { USAGE } else { 1 }
}

pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn is_usage(error: &anyhow::Error) -> bool {
    let properties = matches!(error.downcast_ref(), Some(ClusterError::Properties(_)));
    properties || error.is::<ConfigError>() || error.is::<Usage>()
}
