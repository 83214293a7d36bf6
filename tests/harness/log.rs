use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::thread;

/// The lines that a program has written, read by a thread so that the program never blocks.
#[derive(Default)]
pub struct Log(Mutex<Lines>);

#[derive(Default)]
struct Lines {
    lines: Vec<String>,
    ended: bool,
}

impl Log {
    /// Reads to the end of `source`, in the background.
    pub fn of(source: impl Read + Send + 'static) -> Arc<Self> {
        Self::until(source, None)
    }

    /// Reads up to a line with this text, then closes `source`: later output has no reader.
    pub fn until(source: impl Read + Send + 'static, last: Option<String>) -> Arc<Self> {
        let log = Arc::new(Log::default());
        let writer = Arc::clone(&log);
        thread::spawn(move || writer.read(BufReader::new(source), last.as_deref()));
        log
    }

    /// The first line that contains this text.
    pub fn find(&self, text: &str) -> Option<String> {
        let log = self.0.lock().unwrap();
        let mut lines = log.lines.iter();
        lines.find(|line| line.contains(text)).cloned()
    }

    /// Every line so far.
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().lines.clone()
    }

    /// The last lines, for a panic message.
    pub fn tail(&self, count: usize) -> String {
        let log = self.0.lock().unwrap();
        let from = log.lines.len().saturating_sub(count);
        log.lines[from..].join("\n")
    }

    /// Whether the output has ended.
    pub fn has_ended(&self) -> bool {
        self.0.lock().unwrap().ended
    }

    fn read(&self, mut source: impl BufRead, last: Option<&str>) {
        let mut line = Vec::new();
        while source
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            let is_last = last.is_some_and(|last| text.contains(last));
            self.0.lock().unwrap().lines.push(text);
            line.clear();
            if is_last {
                break;
            }
        }
        drop(source);
        self.0.lock().unwrap().ended = true;
    }
}
