//! The log, on standard error. A line that can't be written is dropped and
//! counted: a broken log does not stop the work.

use super::stderr::{self, Unwritten};
use metrics::counter;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long the first line that finds no room waits. The lines after it don't wait.
const PATIENCE: Duration = Duration::from_millis(100);

/// Writes all of the bytes, or fails after none or a part of them.
trait Put: Fn(&[u8], Duration) -> Result<(), Unwritten> {}
impl<F: Fn(&[u8], Duration) -> Result<(), Unwritten>> Put for F {}

static LINES: Mutex<Lines> = Mutex::new(Lines::new());

/// Writes whole lines of the log. Writing never fails.
pub struct Line;

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        if !lines.put(stderr::put, line) {
            counter!("millstream_log_lines_dropped_total").increment(1);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How the last line was written.
struct Lines {
    /// Only a part of it was written.
    torn: bool,
    /// There was no room for it.
    stuck: bool,
    /// Lines dropped since the last line that was written.
    dropped: u64,
}

impl Lines {
    const fn new() -> Lines {
        Lines {
            torn: false,
            stuck: false,
            dropped: 0,
        }
    }

    /// False if the line was dropped.
    fn put(&mut self, to: impl Put, line: &[u8]) -> bool {
        let written = self.catch_up(&to).and_then(|()| self.write(&to, line));
        self.dropped += u64::from(written.is_err());
        written.is_ok()
    }

    /// Ends a torn line, and writes how many lines are missing.
    fn catch_up(&mut self, to: &impl Put) -> Result<(), Unwritten> {
        if self.torn {
            self.write(to, b"\n")?;
        }
        if self.dropped > 0 {
            let missing = format!("({} log lines could not be written)\n", self.dropped);
            self.write(to, missing.as_bytes())?;
            self.dropped = 0;
        }
        Ok(())
    }

    fn write(&mut self, to: &impl Put, bytes: &[u8]) -> Result<(), Unwritten> {
        let patience = if self.stuck { Duration::ZERO } else { PATIENCE };
        let written = to(bytes, patience);
        match &written {
            Ok(()) => (self.torn, self.stuck) = (false, false),
            Err(why) => {
                self.torn |= why.torn;
                self.stuck = why.stuck;
            }
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{OFlags, fcntl_setfl};
    use std::fs::File;
    use std::io::{BufRead, BufReader};
    use std::os::fd::AsFd;

    fn to(fd: &impl AsFd) -> impl Put {
        |bytes: &[u8], patience: Duration| stderr::put_to(fd.as_fd(), bytes, patience)
    }

    #[test]
    fn an_unread_pipe_does_not_block_and_the_number_of_lost_lines_is_written_later() {
        let (reader, writer) = io::pipe().unwrap();
        fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
        let mut lines = Lines::new();
        let long = [&[b'x'; 9999][..], b"\n"].concat();
        let put = (0..50).filter(|_| lines.put(to(&writer), &long)).count();
        assert!((1..50).contains(&put), "{put} of 50 fit");
        let mut read = BufReader::new(reader).lines();
        let whole = (0..put).map(|_| read.next().unwrap().unwrap().len());
        assert!(whole.eq(std::iter::repeat_n(9999, put)));
        assert!(lines.put(to(&writer), b"there is room again\n"));
        drop(writer);
        let rest: Vec<String> = read.map(Result::unwrap).collect();
        let missing = format!("({} log lines could not be written)", 50 - put);
        assert_eq!(rest[rest.len() - 2..], [&missing, "there is room again"]);
    }

    #[test]
    fn lines_are_dropped_if_the_reader_is_gone_or_the_disk_is_full() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let full = File::options().write(true).open("/dev/full").unwrap();
        for fd in [writer.as_fd(), full.as_fd()] {
            let mut lines = Lines::new();
            assert!(!lines.put(to(&fd), b"a line\n"));
            assert!(!lines.put(to(&fd), b"another\n"));
            assert_eq!(lines.dropped, 2);
        }
    }
}
