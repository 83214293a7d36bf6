//! Servers that require TLS and a login, as hosted ones do.

mod kafka;
mod redis;

use millstream_tests::{Daemon, get, wait_until};
use std::time::Duration;

/// A time-out for things that happen eventually, not an expectation of speed.
const LONG: Duration = Duration::from_secs(60);

/// Waits until a daemon that can't start reports this reason.
fn wait_told(daemon: &Daemon, words: &[&str]) -> String {
    let admin = daemon.admin();
    let mut last = String::new();
    wait_until(&format!("the daemon reports {words:?}"), LONG, || {
        let text = get(&admin, "/readyz").text();
        if text != last {
            println!("{text}");
            last.clone_from(&text);
        }
        words.iter().all(|word| text.contains(word)).then_some(text)
    })
}
