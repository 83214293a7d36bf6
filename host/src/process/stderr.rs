//! Standard error, where it may be gone, full, or without a reader who reads.

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
/// Between two tries where there is no room.
const AGAIN: Duration = Duration::from_millis(5);
/// How long what is said last waits for room.
const LAST: Duration = Duration::from_secs(1);

/// A pipe or a terminal, opened again: writing to it must not wait as long as
/// nobody reads, and to have the one that we were given not wait would change it
/// for all who share it.
static AGAIN_OPENED: LazyLock<Option<File>> = LazyLock::new(|| {
    let kind = std::fs::metadata(PATH).ok()?.file_type();
    // A file has room or says that it has none; its place in it is shared.
    let waits = kind.is_fifo() || kind.is_char_device();
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    let options = options.write(true).custom_flags(flags.bits() as i32);
    waits.then(|| options.open(PATH).ok()).flatten()
});

/// Why something was not written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unwritten {
    /// A part of it was.
    pub torn: bool,
    /// There was no room.
    pub stuck: bool,
}

/// Writes all of it to standard error, unless there is no room for `patience`.
/// Takes no lock, and never panics.
pub(super) fn put(bytes: &[u8], patience: Duration) -> Result<(), Unwritten> {
    let given = io::stderr();
    let to = AGAIN_OPENED.as_ref().map_or(given.as_fd(), AsFd::as_fd);
    put_to(to, bytes, patience)
}

/// Writes what is said last; it may be cut off.
pub(super) fn report(text: &str) {
    let _ = put(text.as_bytes(), LAST);
}

pub(super) fn put_to(
    to: BorrowedFd<'_>,
    bytes: &[u8],
    patience: Duration,
) -> Result<(), Unwritten> {
    let mut rest = bytes;
    // Counted, not measured: a clock that fails may be what is reported.
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
