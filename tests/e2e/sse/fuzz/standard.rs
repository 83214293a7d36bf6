//! An EventSource written to the letter of the HTML standard
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>)
//! for these tests only: it shares no code with the encoder or the harness.

/// An event as dispatched: last event id, type, data.
pub type Dispatched = (String, String, String);

/// The state of an EventSource while it reads.
#[derive(Default)]
pub struct EventSource {
    line: Vec<u8>,
    after_cr: bool,
    id: String,
    kind: String,
    data: String,
    /// The id that the next connection would send.
    pub last_event_id: String,
    /// The reconnection time, in milliseconds.
    pub retry: Option<u64>,
    pub events: Vec<Dispatched>,
}

impl EventSource {
    /// Everything in these pieces, read in order.
    pub fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> EventSource {
        let mut source = EventSource::default();
        for byte in pieces.into_iter().flatten() {
            source.byte(*byte);
        }
        assert!(source.line.is_empty(), "a line is cut short");
        source
    }

    fn byte(&mut self, byte: u8) {
        let is_rest_of_crlf = self.after_cr && byte == b'\n';
        self.after_cr = byte == b'\r';
        match byte {
            _ if is_rest_of_crlf => {}
            b'\r' | b'\n' => {
                let line = std::mem::take(&mut self.line);
                // Invalid UTF-8 is replaced, as in browsers.
                self.take_line(&String::from_utf8_lossy(&line));
            }
            _ => self.line.push(byte),
        }
    }

    fn take_line(&mut self, line: &str) {
        if line.is_empty() {
            return self.dispatch();
        }
        let (name, value) = match line.find(':') {
            Some(0) => return, // a comment
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, ""),
        };
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut self.kind),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "retry" if value.bytes().all(|b| b.is_ascii_digit()) => {
                self.retry = value.parse().ok();
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        self.last_event_id.clone_from(&self.id);
        let (kind, mut data) = (
            std::mem::take(&mut self.kind),
            std::mem::take(&mut self.data),
        );
        if data.is_empty() {
            return;
        }
        assert_eq!(data.pop(), Some('\n'));
        let kind = if kind.is_empty() {
            "message".to_owned()
        } else {
            kind
        };
        self.events.push((self.id.clone(), kind, data));
    }
}
