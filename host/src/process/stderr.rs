//! Standard error that may be closed, full, or not read by anyone.

use rustix::fs::OFlags;
use rustix::io::{Errno, write};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::Duration;

const PATH: &str = "/proc/self/fd/2";
/// Pause between two writes while there is no room.
const AGAIN: Duration = Duration::from_millis(5);
/// How long the last message of a process waits for room.
const LAST: Duration = Duration::from_secs(1);

/// A pipe or a terminal, opened a second time in non-blocking mode: a write must not
/// block while nobody reads. Changing the inherited descriptor would change it for
/// every process that shares it.
static AGAIN_OPENED: LazyLock<Option<File>> = LazyLock::new(|| {
    let kind = std::fs::metadata(PATH).ok()?.file_type();
    // A file never blocks, and its offset is shared.
    let waits = kind.is_fifo() || kind.is_char_device();
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    let options = options.write(true).custom_flags(flags.bits() as i32);
    waits.then(|| options.open(PATH).ok()).flatten()
});

/// Why something was not written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unwritten {
    /// A part of it was written.
    pub torn: bool,
    /// There was no room.
    pub stuck: bool,
}

/// Writes all bytes to standard error, unless there is no room for `patience`.
/// Takes no lock, and never panics.
pub(super) fn put(bytes: &[u8], patience: Duration) -> Result<(), Unwritten> {
    let given = io::stderr();
    let to = AGAIN_OPENED.as_ref().map_or(given.as_fd(), AsFd::as_fd);
    put_to(to, bytes, patience)
}

/// Writes the last message of a process. It may be cut off.
pub(super) fn report(text: &str) {
    let _ = put(text.as_bytes(), LAST);
}

pub(super) fn put_to(
    to: BorrowedFd<'_>,
    bytes: &[u8],
    patience: Duration,
) -> Result<(), Unwritten> {
    let mut rest = bytes;
    // Counts naps instead of reading a clock: a failing clock may be the thing to report.
    let mut naps = patience.as_millis() / AGAIN.as_millis();
    while !rest.is_empty() {
        match write(to, rest) {
            Ok(written) => rest = &rest[written..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) if naps > 0 => {
                naps -= 1;
                sleep(AGAIN);
            }
            Err(error) => {
                return Err(Unwritten {
                    torn: rest.len() < bytes.len(),
                    stuck: error == Errno::AGAIN,
                });
            }
        }
    }
    Ok(())
}
