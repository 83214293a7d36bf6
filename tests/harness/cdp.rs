use serde_json::{Value, json};
use std::net::TcpStream;
use std::time::Duration;
use tungstenite::{Message, WebSocket};

const ANSWER: Duration = Duration::from_secs(30);

/// A session with one page over the Chrome DevTools Protocol.
pub(crate) struct Cdp {
    socket: WebSocket<TcpStream>,
    next_id: u64,
    /// The events that the browser sent.
    events: Vec<Value>,
}

impl Cdp {
    /// Connects to a page's `webSocketDebuggerUrl`.
    pub(crate) fn connect(url: &str) -> Self {
        let addr = url.trim_start_matches("ws://").split('/').next().unwrap();
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(ANSWER)).unwrap();
        let (socket, _) = tungstenite::client(url, stream).unwrap();
        Cdp {
            socket,
            next_id: 1,
            events: vec![],
        }
    }

    /// Calls a method and returns its result; panics with the browser's message if it fails.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        let call = json!({ "id": id, "method": method, "params": params });
        self.socket.send(Message::text(call.to_string())).unwrap();
        loop {
            let mut answer = self.receive(method);
            if answer["id"] == id {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    /// The events of this method so far. A call that returns has received those sent before its
    /// answer.
    pub(crate) fn events<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a Value> {
        let events = self.events.iter();
        events.filter(move |event| event["method"] == method)
    }

    fn receive(&mut self, method: &str) -> Value {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                Ok(_) => {} // `read` answers pings
                Err(error) => panic!("{method}: no answer from the browser: {error}"),
            }
        }
    }
}
