//! Lines of files and standard input, read by a separate thread, so that waiting
//! for a line can be interrupted.

use anyhow::Context;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The most lines to read ahead; then the reader waits.
const AHEAD: usize = 1024;

/// The most bytes to read ahead, or one longer line.
const BYTES: usize = 8 << 20;

/// A line without its newline.
pub(super) struct Line {
    pub text: Vec<u8>,
    /// For messages: `orders.txt:3`, `line 3`.
    pub place: String,
}

pub(super) struct Input {
    lines: Receiver<anyhow::Result<Line>>,
    ahead: Arc<Ahead>,
    /// The lines come from a terminal.
    pub is_typed: bool,
}

/// Counts the bytes that were read and not taken yet.
#[derive(Default)]
struct Ahead {
    bytes: Mutex<usize>,
    taken: Condvar,
}

impl Ahead {
    /// Waits until there is room. If lines are no longer taken, the program is
    /// ending, and this thread with it.
    fn add(&self, size: usize) {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |bytes: &mut usize| *bytes > 0 && *bytes + size > BYTES;
        let bytes = self.taken.wait_while(bytes, is_full);
        *bytes.unwrap_or_else(PoisonError::into_inner) += size;
    }

    fn take(&self, size: usize) {
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner) -= size;
        self.taken.notify_one();
    }
}

impl Input {
    /// Opens all files first, so that a wrong name fails before anything is sent.
    pub fn open(files: &[PathBuf]) -> anyhow::Result<Input> {
        let stdin = [PathBuf::from("-")];
        let files = if files.is_empty() { &stdin } else { files };
        let is_typed = files.iter().any(|file| is_stdin(file)) && io::stdin().is_terminal();
        let sources = files.iter().map(|file| source(file));
        let sources = sources.collect::<anyhow::Result<Vec<_>>>()?;
        let (send, lines) = sync_channel(AHEAD);
        let ahead = Arc::new(Ahead::default());
        let room = ahead.clone();
        std::thread::Builder::new().spawn(move || {
            for (prefix, source) in sources {
                if read(&prefix, source, &room, &send).is_none() {
                    return;
                }
            }
        })?;
        Ok(Input {
            lines,
            ahead,
            is_typed,
        })
    }

    /// The next line, if it arrives within `patience`; `Ok(None)` after the last
    /// line.
    pub fn next(&self, patience: Duration) -> Option<anyhow::Result<Option<Line>>> {
        match self.lines.recv_timeout(patience) {
            Ok(line) => {
                if let Ok(line) = &line {
                    self.ahead.take(line.text.len());
                }
                Some(line.map(Some))
            }
            Err(RecvTimeoutError::Disconnected) => Some(Ok(None)),
            Err(RecvTimeoutError::Timeout) => None,
        }
    }
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

type Source = Box<dyn BufRead + Send>;

fn source(file: &Path) -> anyhow::Result<(String, Source)> {
    if is_stdin(file) {
        return Ok(("line ".into(), Box::new(BufReader::new(io::stdin()))));
    }
    let opened = File::open(file).with_context(|| format!("can't read {}", file.display()))?;
    Ok((
        format!("{}:", file.display()),
        Box::new(BufReader::new(opened)),
    ))
}

/// `None` when the receiver is gone or reading failed.
fn read(
    prefix: &str,
    mut source: Source,
    ahead: &Ahead,
    send: &SyncSender<anyhow::Result<Line>>,
) -> Option<()> {
    for number in 1_u64.. {
        let place = format!("{prefix}{number}");
        let mut text = Vec::new();
        match source.read_until(b'\n', &mut text) {
            Ok(0) => break,
            Ok(_) => {
                if text.ends_with(b"\n") {
                    text.pop();
                }
                ahead.add(text.len());
                send.send(Ok(Line { text, place })).ok()?;
            }
            Err(error) => {
                let error = anyhow::Error::new(error).context(format!("can't read {place}"));
                send.send(Err(error)).ok()?;
                return None;
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_ahead_is_bounded_in_bytes_too() {
        let ahead = Arc::new(Ahead::default());
        // One line may be longer than the limit.
        ahead.add(2 * BYTES);
        let (tell, added) = sync_channel(1);
        let reader = ahead.clone();
        std::thread::spawn(move || {
            reader.add(1);
            tell.send(())
        });
        assert!(added.recv_timeout(Duration::from_millis(100)).is_err());
        ahead.take(2 * BYTES);
        assert!(added.recv_timeout(Duration::from_secs(60)).is_ok());
    }
}
