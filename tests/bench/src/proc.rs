//! The kernel's figures about processes and the machine.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;
use std::time::Duration;

/// A tick of the kernel's accounting, on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// In bytes; `pss` divides what several processes have mapped.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    pub pss: u64,
    pub rss: u64,
}

impl Memory {
    /// The sum of both.
    pub fn and(self, other: Memory) -> Memory {
        Memory {
            pss: self.pss + other.pss,
            rss: self.rss + other.rss,
        }
    }
}

/// A process's current memory.
pub fn memory(pid: u32) -> Memory {
    let bytes = |name| kib(&format!("/proc/{pid}/smaps_rollup"), name) * 1024;
    Memory {
        pss: bytes("Pss:"),
        rss: bytes("Rss:"),
    }
}

/// The peak of a process's resident memory, in bytes.
pub fn peak_memory(pid: u32) -> u64 {
    kib(&format!("/proc/{pid}/status"), "VmHWM:") * 1024
}

/// CPU time of a process so far, all threads, user and system.
pub fn cpu(pid: u32) -> Duration {
    let stat = read(&format!("/proc/{pid}/stat"));
    // The name, in parentheses, may contain anything; utime is the 14th field, the 12th after it.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.map(|ticks| TICK * ticks.parse().unwrap_or(0)).sum()
}

/// CPU time of the whole machine so far: everything but idle and waiting for disks.
pub fn machine() -> Duration {
    let stat = read("/proc/stat");
    let all: Vec<u32> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .map(|ticks| ticks.parse().unwrap_or(0))
        .collect();
    // user, nice, system, idle, iowait, irq, softirq; later fields are the host's, or included in
    // these.
    let busy = [0, 1, 2, 5, 6].map(|field| all.get(field).copied().unwrap_or(0));
    TICK * busy.iter().sum::<u32>()
}

/// Programs that ran or were runnable, over the last minute.
pub fn load_average() -> f64 {
    let text = read("/proc/loadavg");
    let one = text.split(' ').next().and_then(|one| one.parse().ok());
    one.unwrap_or(f64::NAN)
}

/// Raises the limit of descriptors to the maximum, for this process and its children.
pub fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

/// CPU time in percent of one core.
pub fn percent(cpu: Duration, elapsed: Duration) -> f64 {
    100.0 * cpu.as_secs_f64() / elapsed.as_secs_f64()
}

/// What a file says after this name, without the unit.
fn kib(file: &str, name: &str) -> u64 {
    let text = read(file);
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kib.unwrap_or_else(|| panic!("no {name} in {file}"))
}

fn read(file: &str) -> String {
    fs::read_to_string(file).unwrap_or_else(|e| panic!("can't read {file}: {e}"))
}
