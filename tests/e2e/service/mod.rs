//! The daemon as a service of systemd: what it tells, and what a package brings.

mod files;
mod nginx;
mod notify;
mod watchdog;

use millstream_tests::scratch_dir;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A limit for failing tests, not an expectation of speed.
const LONG: Duration = Duration::from_secs(120);

/// systemd's end of the socket that services tell of themselves.
struct Systemd {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Systemd {
    fn new() -> Systemd {
        let path = scratch_dir("systemd").join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        Systemd { socket, path }
    }

    /// What was told next, if anything within this time.
    fn next(&self, patience: Duration) -> Option<String> {
        let deadline = Instant::now() + patience;
        let mut bytes = [0; 4096];
        loop {
            match self.socket.recv(&mut bytes) {
                Ok(length) => {
                    let told = std::str::from_utf8(&bytes[..length]).unwrap();
                    return Some(told.trim_end().to_owned());
                }
                Err(error) => assert!(
                    matches!(
                        error.kind(),
                        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                    ),
                    "{error}"
                ),
            }
            if Instant::now() >= deadline {
                return None;
            }
        }
    }

    /// Waits until this is told.
    fn wait_for(&self, what: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + LONG;
        while Instant::now() < deadline {
            if let Some(told) = self.next(LONG)
                && what(&told)
            {
                return told;
            }
        }
        panic!("it was not told within {LONG:?}");
    }
}
