use super::SOON;
use crate::sse::rig::{Options, Rig, opened};
use millstream_tests::{Frame, Message, Sse, produce, servers, wait_until};
use std::thread;

const CLIENTS: usize = 2000;
const THREADS: usize = 8;

/// A client that reconnects with its last id.
struct Client {
    number: usize,
    last: Option<String>,
    got: Vec<Frame>,
    sse: Option<Sse>,
}

impl Client {
    fn connect(&mut self, addr: &str) {
        let path = format!("/v1/events?client=client-{}", self.number);
        let id = self.last.as_deref().map(|id| ("last-event-id", id));
        let (sse, begins) = wait_until("a stream starts", SOON, || {
            opened(Sse::try_open(addr, &path, id.as_slice()).ok()?)
        });
        assert!(self.last.as_ref().is_none_or(|last| *last == begins));
        (self.sse, self.last) = (Some(sse), Some(begins));
    }

    fn read(&mut self, count: usize) {
        let events = self.sse.as_mut().unwrap().events(count, SOON);
        self.last = events.last().unwrap().id.clone();
        self.got.extend(events);
    }
}

/// Runs this for all clients at once, limited by the number of threads.
fn all(clients: &mut [Client], what: impl Fn(&mut Client) + Sync) {
    thread::scope(|scope| {
        for some in clients.chunks_mut(CLIENTS / THREADS) {
            scope.spawn(|| some.iter_mut().for_each(&what));
        }
    });
}

/// One event of this round for each client.
fn send(rig: &Rig, round: usize) {
    let message = |n| {
        let message = Message::new(format!("round {round}")).key(format!("client-{n}"));
        message.header("type", "t")
    };
    produce(&rig.topic, (0..CLIENTS).map(message));
}

#[test]
fn two_thousand_clients_reconnecting_at_once_miss_nothing_and_see_nothing_twice() {
    let redis = servers().own_redis(&[]);
    let mut rig = Rig::with(Options {
        redis: &redis,
        ..Options::default()
    });
    rig.keep_address();
    let addr = rig.daemon.sse();
    let client = |number| Client {
        number,
        last: None,
        got: Vec::new(),
        sse: None,
    };
    let mut clients: Vec<Client> = (0..CLIENTS).map(client).collect();
    all(&mut clients, |client| client.connect(&addr));
    send(&rig, 0);

    // Kill it with events in flight; later records wait in Kafka.
    rig.daemon.kill();
    send(&rig, 1);
    rig.restart();
    all(&mut clients, |client| client.connect(&addr));
    all(&mut clients, |client| client.read(2));

    // Close all sockets at once while events arrive.
    clients.iter_mut().for_each(|client| client.sse = None);
    send(&rig, 2);
    all(&mut clients, |client| client.connect(&addr));
    send(&rig, 3);
    all(&mut clients, |client| client.read(2));

    let expected = [0, 1, 2, 3].map(|round| Some(format!("round {round}")));
    for Client { number, got, .. } in &clients {
        let texts: Vec<_> = got.iter().map(|frame| frame.data.clone()).collect();
        assert_eq!(texts, expected, "client-{number}");
    }
    let peak = rig.daemon.memory().peak >> 20;
    println!("the daemon's peak was {peak} MiB");
}
