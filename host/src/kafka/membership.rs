//! How the pipelines' members are known to their consumer groups.

use std::env;
use std::path::PathBuf;

/// Where the ID of a pipeline's member comes from, unless `group.instance.id` is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// From Kafka, which gives another one at each start. A killed member keeps its partitions
    /// until its session times out.
    Dynamic,
    /// From a file in this folder: a restarted process gets the ID and the partitions of the killed
    /// one at once. `None` if nothing says where the folder is.
    Static(Option<PathBuf>),
}

/// The default folder for state that survives a restart: systemd's, or the user's.
pub fn default_state() -> Option<PathBuf> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let of = |name| env::var_os(name).map(PathBuf::from).and_then(absolute);
    // systemd names several folders with colons between them.
    let given = env::var_os("STATE_DIRECTORY");
    let given = given.and_then(|all| env::split_paths(&all).next());
    let home = || of("HOME").map(|home| home.join(".local/state"));
    let user = || of("XDG_STATE_HOME").or_else(home);
    let of_user = || user().map(|state| state.join("millstream"));
    given.and_then(absolute).or_else(of_user)
}
