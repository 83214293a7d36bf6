//! What `plugin dev` is told.

use std::net::SocketAddr;
use std::path::PathBuf;

/// What to develop, and where.
pub(crate) struct Options {
    /// The project's folder.
    pub folder: PathBuf,
    /// The configuration of the daemon that runs the plugin; without it, one is
    /// started here.
    pub into: Option<PathBuf>,
    /// The address for browsers of the daemon that is started here.
    pub listen: SocketAddr,
    /// Records per second of that daemon.
    pub rate: u32,
    /// The address of the playground, if it is wanted.
    pub page: Option<SocketAddr>,
}
