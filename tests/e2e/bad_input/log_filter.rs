//! Values of `RUST_LOG`.

use millstream_tests::{Daemon, scratch_dir};
use std::process::Command;

/// The exit code and standard error of a command with this filter.
fn said(log: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(Daemon::program());
    command.args(arguments).current_dir(scratch_dir("log"));
    command.env("RUST_LOG", log);
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), error)
}

#[test]
fn an_invalid_log_filter_is_an_error() {
    let list = ["topic", "list", "-b", "127.0.0.1:1"];
    for (log, says) in [
        (
            "info,millstream=loud",
            "RUST_LOG: `millstream=loud` at character 6: ",
        ),
        // tracing would take it for a target that nothing logs to, and so log nothing.
        (
            "debgu",
            "RUST_LOG: `debgu` at character 1: not a level; did you mean debug?",
        ),
    ] {
        let (code, error) = said(log, &list);
        assert_eq!(code, Some(64), "{error}");
        assert!(error.contains(says), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    for log in ["", " ", "warn", "info,librdkafka=debug"] {
        let (code, error) = said(log, &list);
        assert_eq!(code, Some(1), "only Kafka is wrong: {error}");
    }
}
