use super::{Event, Reader, Told};
use crate::frames::Parser;
use crate::process::{Process, find_program};
use std::io::Read;
use std::process::Stdio;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// The pause before each connection. Shorter than the stream's `retry:`, which is meant for many
/// clients.
const PAUSE: Duration = Duration::from_millis(50);

/// `curl -N`, started again with the last id whenever it ends.
pub struct Curl {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    told: Mutex<Told>,
    /// The running curl; dropping it kills it.
    process: Mutex<Option<Process>>,
    over: Mutex<bool>,
    ended: Condvar,
}

impl Curl {
    /// Reads this URL with further arguments, such as `--http2-prior-knowledge`.
    pub fn read(url: &str, arguments: &[&str]) -> Self {
        let shared = Arc::new(Shared::default());
        let (url, reading) = (url.to_owned(), Arc::clone(&shared));
        let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
        thread::spawn(move || {
            let mut last_id = String::new();
            while !reading.is_over(PAUSE) {
                reading.run(&url, &arguments, &mut last_id);
            }
        });
        Curl { shared }
    }
}

impl Reader for Curl {
    fn told(&self) -> Told {
        self.shared.told.lock().unwrap().clone()
    }
}

impl Drop for Curl {
    fn drop(&mut self) {
        *self.shared.over.lock().unwrap() = true;
        self.shared.ended.notify_all();
        self.shared.process.lock().unwrap().take();
    }
}

impl Shared {
    /// Whether the reader is dropped, now or within this time.
    fn is_over(&self, pause: Duration) -> bool {
        let over = self.over.lock().unwrap();
        let waited = self.ended.wait_timeout_while(over, pause, |over| !*over);
        *waited.unwrap().0
    }

    /// Runs one connection until it ends.
    fn run(&self, url: &str, arguments: &[String], last_id: &mut String) {
        let mut command = Process::command(&find_program("curl"));
        command.args(["-sN", "--fail", "--noproxy", "*", url]);
        command.args(arguments).stdout(Stdio::piped());
        if !last_id.is_empty() {
            command.args(["-H", &format!("Last-Event-ID: {last_id}")]);
        }
        let mut output = {
            let mut process = self.process.lock().unwrap();
            if self.is_over(Duration::ZERO) {
                return;
            }
            let started = process.insert(Process::start(command));
            started.take_stdout().unwrap()
        };
        let (mut parser, mut buffer) = (Parser::default(), vec![0; 64 << 10]);
        let mut first = true;
        while let Ok(read @ 1..) = output.read(&mut buffer) {
            let frames = parser.parse(&buffer[..read]);
            let mut told = self.told.lock().unwrap();
            for frame in frames {
                if let Some(id) = frame.id {
                    *last_id = id;
                    told.opened += usize::from(std::mem::take(&mut first));
                }
                told.events.extend(frame.data.map(|data| Event {
                    id: last_id.clone(),
                    kind: frame.event.unwrap_or_else(|| "message".to_owned()),
                    data,
                }));
            }
        }
    }
}
