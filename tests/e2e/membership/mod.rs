//! Members of a consumer group: a daemon that is killed gets its partitions again as soon as it
//! restarts, and one that stops gives them up. Sessions are long here: what happens [`SOON`]
//! does not wait for one to end.

mod fenced;
mod killed;
mod slots;
mod state_folder;
mod stopped;

use crate::kafka_faults::Run;
use millstream_tests::{Daemon, DaemonBuilder, wait_until};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// A time-out for things that happen eventually, not an expectation of speed.
const LONG: Duration = Duration::from_secs(180);
/// A time-out for what must not wait for the end of a session.
const SOON: Duration = Duration::from_secs(90);
/// The property that ends a session after this time, in milliseconds.
const SESSIONS: &[(&str, &str)] = &[("session.timeout.ms", "300000")];

/// A daemon of this run with this state folder.
fn with_state(run: &Run<'_>, state: &Path) -> DaemonBuilder {
    let builder = Daemon::builder(&run.config(SESSIONS));
    builder.env("XDG_STATE_HOME", state.to_str().unwrap())
}

/// The ID that a daemon has from its state folder.
fn id(daemon: &Daemon) -> String {
    let line = daemon.wait_log("static member of the consumer group", LONG);
    let (_, id) = line.split_once("id=\"").unwrap();
    id.split('"').next().unwrap().to_owned()
}

/// Waits until both daemons have partitions.
fn wait_shared(daemons: [&Daemon; 2]) {
    for daemon in daemons {
        daemon.wait_ready(LONG);
        daemon.wait_log("assigned", LONG);
    }
}

/// Waits until the group has these members.
fn wait_members(daemon: &Daemon, run: &Run<'_>, expected: &BTreeSet<String>) {
    wait_until("the group has the expected members", SOON, || {
        (members(daemon, run) == *expected).then_some(())
    });
}

/// The static IDs of the group's members.
fn members(daemon: &Daemon, run: &Run<'_>) -> BTreeSet<String> {
    let output = daemon.command(&["group", "describe", &run.prefix, "--json"]);
    let group: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let members = group["members"].as_array().unwrap().iter();
    let instance = |member: &serde_json::Value| member["instance"].as_str().unwrap().to_owned();
    members.map(instance).collect()
}

/// Produces to every partition, and waits until all of it is processed.
fn all_partitions_work(run: &Run<'_>) {
    run.produce(400);
    run.wait_all_within(SOON);
}
