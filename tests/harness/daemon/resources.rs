//! What the daemon uses of the machine, and how much of it it may.

use super::Daemon;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use std::fs;

/// Resident memory, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub now: u64,
    /// The most since the start, or since [`Daemon::forget_peak`].
    pub peak: u64,
}

impl Daemon {
    pub fn memory(&self) -> Memory {
        let status = fs::read_to_string(self.proc("status")).unwrap();
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.expect("it runs").trim().trim_end_matches(" kB");
            kib.parse::<u64>().unwrap() * 1024
        };
        Memory {
            now: bytes("VmRSS:"),
            peak: bytes("VmHWM:"),
        }
    }

    /// Begins to look for the peak anew.
    pub fn forget_peak(&self) {
        fs::write(self.proc("clear_refs"), "5").unwrap();
    }

    /// How many file descriptors it has open.
    pub fn descriptors(&self) -> u64 {
        fs::read_dir(self.proc("fd")).unwrap().count() as u64
    }

    /// From now on it may have no more than this many file descriptors open.
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
