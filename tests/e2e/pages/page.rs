//! A page that shows the events of a source.

use super::SOON;
use millstream_tests::{Browser, wait_until};
use serde_json::{Value, json};

const SCRIPT: &str = include_str!("page.js");

/// A page in a separate browser.
pub struct Page(pub Browser);

impl Page {
    /// A page of this origin; it only has to exist.
    pub fn of(origin: &str) -> Self {
        let mut browser = Browser::open(&format!("{origin}/a-page"));
        browser.eval(SCRIPT);
        Page(browser)
    }

    /// Watches the source that this expression evaluates to; it may await.
    pub fn watch(&mut self, source: &str) {
        let watch = format!("(async () => {{ watch({source}); }})()");
        self.0.eval(&watch);
    }

    /// Watches the module's source at this address with these options.
    pub fn watch_module(&mut self, origin: &str, query: &str, options: &str) {
        self.watch(&format!(
            "new (await import('{origin}/v1/millstream.js'))
                .MillstreamSource('{origin}/v1/events?{query}', {options})"
        ));
    }

    /// Waits until this many streams have opened.
    pub fn wait_opened(&mut self, times: usize) {
        self.0.wait_for(&format!("opened >= {times}"), SOON);
    }

    pub fn wait_closed(&mut self) {
        self.0.wait_for("source.readyState === 2", SOON);
    }

    /// Waits for this many events: `[id, type, data]` of each.
    pub fn events(&mut self, count: usize) -> Vec<Value> {
        self.0.wait_for(&format!("got.length >= {count}"), SOON);
        self.0.eval("got").as_array().unwrap().clone()
    }

    /// Waits for exactly these events.
    #[track_caller]
    pub fn assert_got(&mut self, events: &[(&str, &str)]) {
        let expected = events.iter().map(|(id, data)| json!([id, "t", data]));
        let expected: Vec<Value> = expected.collect();
        assert_eq!(self.events(events.len()), expected);
    }

    /// The messages of its errors.
    pub fn errors(&mut self) -> Vec<String> {
        serde_json::from_value(self.0.eval("errors")).unwrap()
    }

    /// The protocol of each stream that got a response.
    pub fn wait_protocols(&mut self, count: usize) -> Vec<String> {
        wait_until("streams have responses", SOON, || {
            let protocols = self.0.protocols_of("/v1/events");
            (protocols.len() >= count).then_some(protocols)
        })
    }
}
