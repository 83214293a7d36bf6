//! How commands end: their error message and exit code.

use super::{USAGE, bytes, output};
use crate::config::ConfigError;
use crate::kafka::ClusterError;
use crate::log;
pub(super) use crate::process::end;
use std::io;

/// Arguments that don't fit together, which clap can't detect: exit code 64.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub String);

impl Usage {
    pub fn error(what: String) -> anyhow::Error {
        Usage(what).into()
    }
}

/// Prints the error and returns the exit code. A closed pipe (`| head`) is not an error.
pub(super) fn report(error: &anyhow::Error) -> u8 {
    if is_broken_pipe(error) {
        return 0;
    }
    // The message may contain names from Kafka, such as the nearest group.
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
