//! The daemon as a service of systemd: what it tells, and what a package brings.

mod files;
mod nginx;
mod notify;
mod watchdog;

use millstream_tests::scratch_dir;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A limit for failing tests, not an expectation of speed.
const LONG: Duration = Duration::from_secs(120);

/// systemd's end of the socket that services tell of themselves. As systemd does it, a thread reads
/// all the time.
struct Systemd {
    told: Receiver<String>,
    path: PathBuf,
}

impl Systemd {
    fn new() -> Systemd {
        let path = scratch_dir("systemd").join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let (sender, told) = channel();
        // It ends with the test's process.
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length) = socket.recv(&mut bytes) {
                let told = std::str::from_utf8(&bytes[..length]).unwrap();
                if sender.send(told.trim_end().to_owned()).is_err() {
                    return;
                }
            }
        });
        Systemd { told, path }
    }

    /// Waits until this is told; `None` if it is not within this time.
    fn within(&self, patience: Duration, what: impl Fn(&str) -> bool) -> Option<String> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.told.recv_timeout(left) {
                Ok(told) if what(&told) => return Some(told),
                Ok(_) if left.is_zero() => return None,
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// Waits until this is told.
    fn wait_for(&self, what: impl Fn(&str) -> bool) -> String {
        let told = self.within(LONG, what);
        told.unwrap_or_else(|| panic!("it was not told within {LONG:?}"))
    }

    /// Whether the watchdog is fed within this time.
    fn is_fed(&self, patience: Duration) -> bool {
        self.within(patience, |told| told == "WATCHDOG=1").is_some()
    }
}
