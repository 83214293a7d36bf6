//! The daemon's resource usage and limits.

use super::Daemon;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use std::fs;

/// Resident memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub now: u64,
    /// The peak since the start, or since [`Daemon::forget_peak`].
    pub peak: u64,
}

impl Daemon {
    pub fn memory(&self) -> Memory {
        let status = fs::read_to_string(self.proc("status")).unwrap();
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line
                .expect("the daemon runs")
                .trim()
                .trim_end_matches(" kB");
            kib.parse::<u64>().unwrap() * 1024
        };
        Memory {
            now: bytes("VmRSS:"),
            peak: bytes("VmHWM:"),
        }
    }

    /// Restarts the measurement of the peak.
    pub fn forget_peak(&self) {
        fs::write(self.proc("clear_refs"), "5").unwrap();
    }

    /// The number of its open file descriptors.
    pub fn descriptors(&self) -> u64 {
        fs::read_dir(self.proc("fd")).unwrap().count() as u64
    }

    /// Limits its open file descriptors to this number from now on.
    pub fn limit_descriptors(&self, most: u64) {
        let limit = Rlimit {
            current: Some(most),
            maximum: getrlimit(Resource::Nofile).maximum, // inherited, and unchanged
        };
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap());
        prlimit(pid, Resource::Nofile, limit).unwrap();
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.pid())
    }
}
