//! Where, and with what, a measurement was made.

use serde_json::{Value, json};
use std::process::Command;
use std::{env, fs, thread};

/// The machine, the versions and the command of this run.
pub fn description() -> Value {
    json!({
        "command": env::args().collect::<Vec<_>>().join(" "),
        "commit": said("git", &["describe", "--always", "--dirty", "--abbrev=12"]),
        "cpu": cpu(),
        "cores": thread::available_parallelism().map_or(0, usize::from),
        "kernel": read("/proc/sys/kernel/osrelease"),
        "load-average": read("/proc/loadavg"),
        "rustc": said("rustc", &["--version"]),
        "redis": said("redis-server", &["--version"]),
        "librdkafka": rdkafka::util::get_rdkafka_version().1,
    })
}

fn cpu() -> String {
    let info = read("/proc/cpuinfo");
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    line.unwrap_or_default()
        .trim_start_matches([' ', '\t', ':'])
        .to_owned()
}

fn read(file: &str) -> String {
    fs::read_to_string(file)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_default()
}
