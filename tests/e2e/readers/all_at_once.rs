//! All readers on one stream.

use super::SOON;
use crate::sse::payload::read_back;
use millstream_tests::{Browser, Client, Curl, Entry, Event, Reader, Sse, Told};
use std::cell::RefCell;

/// The types to listen for; an EventSource dispatches no others.
pub const TYPES: &[&str] = &["message", "t", "gap", "größe"];

/// Every reader, by name.
pub struct Crowd(pub Vec<(&'static str, Box<dyn Reader>)>);

impl Crowd {
    /// All readers of this stream of the server at `addr`, connected.
    pub fn at(addr: &str, query: &str) -> Self {
        let path = format!("/v1/events?{query}");
        let url = format!("http://{addr}{path}");
        let crowd = Crowd(vec![
            ("httpx-sse", Box::new(Client::python(&url, &[]))),
            ("eventsource", Box::new(Client::node(&url, TYPES))),
            ("curl", Box::new(Curl::read(&url, &[]))),
            ("Chromium", Box::new(Page::open(addr, &path))),
            ("the harness", Box::new(Own::open(addr, &path))),
        ]);
        crowd.wait_opened(1);
        crowd
    }

    /// Waits until each has connected this many times.
    pub fn wait_opened(&self, times: usize) {
        for (name, reader) in &self.0 {
            let what = format!("{name} is connected {times} times");
            reader.wait(&what, SOON, &|told| told.opened >= times);
        }
    }

    /// Waits until each has as many events as the stream has entries, and compares them.
    #[track_caller]
    pub fn assert_same(&self, entries: &[Entry]) {
        let expected: Vec<Event> = entries.iter().map(event).collect();
        for (name, told) in self.wait(entries.len()) {
            let brief = |events: &[Event]| -> Vec<String> {
                let one = |e: &Event| format!("{} {} {:.30?}", e.id, e.kind, e.data);
                events.iter().map(one).collect()
            };
            assert!(
                told.events == expected,
                "{name} got {:#?}, expected {:#?}",
                brief(&told.events),
                brief(&expected)
            );
        }
    }

    /// Waits until each has this many events; returns each reader's list.
    pub fn wait(&self, events: usize) -> Vec<(&'static str, Told)> {
        let told = |(name, reader): &(&'static str, Box<dyn Reader>)| {
            let what = format!("{name} has {events} events");
            let told = reader.wait(&what, SOON, &|told| told.events.len() >= events);
            (*name, told)
        };
        self.0.iter().map(told).collect()
    }
}

/// The event that every reader should report.
fn event(entry: &Entry) -> Event {
    let kind = match &*entry.event_type {
        "" => "message",
        kind => kind,
    };
    Event {
        id: entry.id.clone(),
        kind: kind.to_owned(),
        data: read_back(&entry.data),
    }
}

/// A page with an EventSource.
struct Page(RefCell<Browser>);

impl Page {
    fn open(addr: &str, path: &str) -> Self {
        let mut browser = Browser::open(&format!("http://{addr}/a-page"));
        let types = serde_json::json!(TYPES);
        browser.eval(&format!(
            "window.got = []; window.opened = 0; window.source = new EventSource('{path}');
             source.onopen = () => {{ opened += 1 }};
             for (const type of {types})
                 source.addEventListener(type, e => got.push([e.lastEventId, e.type, e.data]));
             true"
        ));
        Page(RefCell::new(browser))
    }
}

impl Reader for Page {
    fn told(&self) -> Told {
        let mut browser = self.0.borrow_mut();
        let state = browser.eval("[got, opened, source.readyState == EventSource.CLOSED]");
        let event = |event: &serde_json::Value| {
            let text = |index: usize| event[index].as_str().unwrap().to_owned();
            Event {
                id: text(0),
                kind: text(1),
                data: text(2),
            }
        };
        Told {
            events: state[0].as_array().unwrap().iter().map(event).collect(),
            opened: usize::try_from(state[1].as_u64().unwrap()).unwrap(),
            refused: state[2] == true,
        }
    }
}

/// The harness's reader.
struct Own(RefCell<OwnState>);

struct OwnState {
    addr: String,
    path: String,
    sse: Option<Sse>,
    last_id: String,
    told: Told,
}

impl Own {
    fn open(addr: &str, path: &str) -> Self {
        Own(RefCell::new(OwnState {
            addr: addr.to_owned(),
            path: path.to_owned(),
            sse: None,
            last_id: String::new(),
            told: Told::default(),
        }))
    }
}

impl Reader for Own {
    fn told(&self) -> Told {
        let mut state = self.0.borrow_mut();
        state.read();
        state.told.clone()
    }
}

impl OwnState {
    /// Takes what has arrived; reconnects if the stream has ended.
    fn read(&mut self) {
        let id = [("last-event-id", self.last_id.as_str())];
        let headers = if self.last_id.is_empty() {
            &[][..]
        } else {
            &id
        };
        if self.sse.is_none() {
            self.sse = Sse::try_open(&self.addr, &self.path, headers).ok();
        }
        let Some(mut sse) = self.sse.take() else {
            return;
        };
        while let Some(frame) = sse.next(std::time::Duration::from_millis(1)) {
            if let Some(id) = frame.id {
                self.last_id = id;
                self.told.opened += usize::from(frame.data.is_none());
            }
            self.told.events.extend(frame.data.map(|data| Event {
                id: self.last_id.clone(),
                kind: frame.event.unwrap_or_else(|| "message".to_owned()),
                data,
            }));
        }
        self.sse = Some(sse).filter(|sse| sse.end().is_none());
    }
}
