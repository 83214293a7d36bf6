//! The kernel's figures about processes.

use std::fs;
use std::time::Duration;

/// A tick of the kernel's accounting, on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// CPU time of a process so far, all threads, user and system.
pub fn cpu(pid: u32) -> Duration {
    let stat = read(&format!("/proc/{pid}/stat"));
    // The name, in parentheses, may contain anything; utime is the 14th field, the 12th after it.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| TICK * ticks.parse().unwrap_or(0)).sum()
}

/// The peak of a process's resident memory, in bytes.
pub fn peak_memory(pid: u32) -> u64 {
    let status = read(&format!("/proc/{pid}/status"));
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or_else(|| panic!("{pid}: no VmHWM in its status")) * 1024
}

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_else(|e| panic!("can't read {file}: {e}"))
}
