//! How the pipelines' members are known to their consumer groups.

use std::ffi::OsString;
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
    state(|name| std::env::var_os(name))
}

/// The folder that these variables name. As the XDG specification says, a path that is not absolute
/// counts as not set.
fn state(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // systemd names several folders with colons between them.
    let first = |name: &str| std::env::split_paths(&variable(name)?).next();
    let whole = |name: &str| variable(name).map(PathBuf::from);
    let absolute = |path: &PathBuf| path.is_absolute();
    let of_systemd = first("STATE_DIRECTORY").filter(absolute);
    let of_user = || whole("XDG_STATE_HOME").filter(absolute);
    let of_home = || Some(whole("HOME").filter(absolute)?.join(".local/state"));
    of_systemd.or_else(|| Some(of_user().or_else(of_home)?.join("millstream")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_default_state_folder_is_systemds_or_the_users() {
        let folder = |set: &[(&str, &str)]| {
            state(|name| {
                let (_, value) = set.iter().find(|(given, _)| *given == name)?;
                Some(value.into())
            })
        };
        let is = |set: &[(&str, &str)], expected: &str| {
            assert_eq!(folder(set).as_deref(), Some(Path::new(expected)), "{set:?}");
        };
        let home = ("HOME", "/home/m");
        let user = ("XDG_STATE_HOME", "/state");
        is(&[home, user, ("STATE_DIRECTORY", "/a:/b")], "/a");
        is(&[home, user, ("STATE_DIRECTORY", "")], "/state/millstream");
        is(&[home, user], "/state/millstream");
        let default = "/home/m/.local/state/millstream";
        is(&[home, ("XDG_STATE_HOME", "state")], default);
        is(&[home], default);
        assert_eq!(folder(&[("HOME", "")]), None);
        assert_eq!(folder(&[]), None);
    }
}
