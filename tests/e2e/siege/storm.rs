use super::bystander::Bystander;
use crate::sse::rig::Rig;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Events that arrive during the storm.
const EVENTS: usize = 50;
const CONNECTIONS: usize = 5000;

/// What each short connection sends before it closes.
const WORDS: &[&str] = &[
    "",
    "GET /v1/ev",
    "GET /v1/events?client=storm HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "GET /v1/nothing HTTP/1.1\r\nhost: localhost\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

#[test]
fn a_reader_gets_its_events_during_thousands_of_short_connections() {
    let rig = Rig::start();
    let mut bystander = Bystander::of(&rig);
    let (over, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let addr = rig.daemon.sse();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for words in WORDS.iter().cycle() {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    // The backlog may be full for a moment.
                    if let Ok(mut socket) = TcpStream::connect(&addr) {
                        socket.write_all(words.as_bytes()).ok();
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let mut events = 0;
        while events < EVENTS || count.load(Ordering::Relaxed) < CONNECTIONS {
            bystander.reads_on();
            events += 1;
        }
        over.store(true, Ordering::Relaxed);
        let count = count.load(Ordering::Relaxed);
        println!("{events} events beside {count} connections");
    });
    bystander.noticed_nothing();
}
