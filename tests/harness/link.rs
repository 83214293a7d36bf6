use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// How many pieces of at most 16 KiB are buffered in one direction. When the buffer is full, the
/// sender is not read any more, as with a full TCP window.
const ON_THE_WAY: usize = 64;

/// A TCP forwarder in front of a server, with its own address, which a test can cut.
///
/// Clients and browsers behind it lose their open connections, which none of their settings can
/// cause; the server keeps running.
pub struct Link {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Existing connections end, and new ones at once.
    Cut,
    /// Connections stay open, nothing passes.
    Stalled,
    /// Requests pass, answers are discarded.
    Deaf,
    /// The link was dropped.
    Gone,
}

enum Hold {
    Nothing,
    Before(Vec<u8>),
    Held,
}

struct Shared {
    server: String,
    state: Mutex<State>,
    changed: Condvar,
    held: Condvar,
    /// The delay of the bytes that clients send.
    delay: Mutex<Duration>,
    /// The bytes of a client before which it is held back.
    hold: Mutex<Hold>,
    /// Bytes of answers discarded since [`Link::lose_answers`].
    lost: AtomicUsize,
    /// Both ends of every connection since the last cut.
    sockets: Mutex<Vec<TcpStream>>,
}

impl Link {
    /// An open link to this server (`127.0.0.1:port`).
    pub fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            state: Mutex::new(State::Open),
            changed: Condvar::new(),
            held: Condvar::new(),
            delay: Mutex::default(),
            hold: Mutex::new(Hold::Nothing),
            lost: AtomicUsize::new(0),
            sockets: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                match accepting.state() {
                    State::Gone => return,
                    State::Cut => drop(client),
                    _ => accepting.connect(client.unwrap()),
                }
            }
        });
        Link { addr, shared }
    }

    /// The link's address (`127.0.0.1:port`).
    pub fn addr(&self) -> String {
        self.addr.to_string()
    }

    /// Lets everything through again; cut connections stay cut.
    pub fn open(&self) {
        self.shared.set(State::Open);
    }

    /// Ends every connection, and new ones at once.
    pub fn cut(&self) {
        self.shared.set(State::Cut);
        self.shared.end_all();
    }

    /// Holds back everything in both directions; [`Link::open`] releases it.
    pub fn stall(&self) {
        self.shared.set(State::Stalled);
    }

    /// Discards answers from now on; requests still reach the server. Cut the link before opening
    /// it again: a client can't make sense of what follows a lost answer.
    pub fn lose_answers(&self) {
        self.shared.lost.store(0, Ordering::SeqCst);
        self.shared.set(State::Deaf);
    }

    /// How many bytes of answers were discarded since [`Link::lose_answers`].
    pub fn lost(&self) -> usize {
        self.shared.lost.load(Ordering::SeqCst)
    }

    /// Holds back the next client that sends these bytes, just before them, until [`Link::let_go`].
    pub fn hold_before(&self, words: &str) {
        self.shared.set_hold(Hold::Before(words.into()));
    }

    /// Waits until a client is held back.
    pub fn wait_held(&self) {
        let hold = self.shared.hold.lock().unwrap();
        let held = |hold: &mut Hold| !matches!(hold, Hold::Held);
        drop(self.shared.held.wait_while(hold, held).unwrap());
    }

    /// Releases the client that is held back.
    pub fn let_go(&self) {
        self.shared.set_hold(Hold::Nothing);
    }

    /// Delays the bytes that clients send from now on; answers are not delayed.
    pub fn delay(&self, delay: Duration) {
        *self.shared.delay.lock().unwrap() = delay;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.cut();
        self.shared.set(State::Gone);
        TcpStream::connect(self.addr).ok(); // wakes the accepting thread, so that it ends
    }
}

impl Shared {
    fn set(&self, state: State) {
        *self.state.lock().unwrap() = state;
        self.changed.notify_all();
    }

    fn set_hold(&self, hold: Hold) {
        *self.hold.lock().unwrap() = hold;
        self.held.notify_all();
    }

    /// How many bytes of this piece pass before the client is held back.
    fn passes(&self, piece: &[u8]) -> usize {
        let mut hold = self.hold.lock().unwrap();
        let Hold::Before(words) = &*hold else {
            return piece.len();
        };
        let mut places = piece.windows(words.len());
        let Some(at) = places.position(|place| place == words) else {
            return piece.len();
        };
        *hold = Hold::Held;
        at
    }

    fn wait_let_go(&self) {
        self.held.notify_all();
        let hold = self.hold.lock().unwrap();
        let held = |hold: &mut Hold| matches!(hold, Hold::Held);
        drop(self.held.wait_while(hold, held).unwrap());
    }

    fn state(&self) -> State {
        *self.state.lock().unwrap()
    }

    fn connect(self: &Arc<Self>, client: TcpStream) {
        let Ok(server) = TcpStream::connect(&self.server) else {
            return; // like a cut
        };
        for socket in [&client, &server] {
            socket.set_nodelay(true).unwrap();
        }
        self.pump(&client, &server, false);
        self.pump(&server, &client, true);
        self.sockets.lock().unwrap().extend([client, server]);
        if self.state() == State::Cut {
            self.end_all(); // it was cut while this connected
        }
    }

    fn end_all(&self) {
        for socket in self.sockets.lock().unwrap().drain(..) {
            socket.shutdown(Shutdown::Both).ok(); // the peer may have closed it
        }
    }

    /// Copies in the background until either side ends: one thread reads, another writes each piece
    /// when it is due.
    fn pump(self: &Arc<Self>, from: &TcpStream, to: &TcpStream, answers: bool) {
        let (sender, pieces) = mpsc::sync_channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
        let (mut reading, shared) = (from.try_clone().unwrap(), Arc::clone(self));
        thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(read @ 1..) = reading.read(&mut buffer) {
                let delay = *shared.delay.lock().unwrap();
                let due = Instant::now() + if answers { Duration::ZERO } else { delay };
                if sender.send((due, buffer[..read].to_vec())).is_err() {
                    break;
                }
            }
        });
        let (from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        let shared = Arc::clone(self);
        thread::spawn(move || {
            for (due, mut piece) in pieces {
                let passes = if answers {
                    piece.len()
                } else {
                    shared.passes(&piece)
                };
                if passes < piece.len() {
                    to.write_all(&piece[..passes]).ok(); // the rest fails, too
                    shared.wait_let_go();
                    piece.drain(..passes);
                }
                if shared.passing(due) == State::Deaf && answers {
                    shared.lost.fetch_add(piece.len(), Ordering::SeqCst);
                } else if to.write_all(&piece).is_err() {
                    from.shutdown(Shutdown::Both).ok(); // the receiver is gone: tell the sender
                    break;
                }
            }
            to.shutdown(Shutdown::Write).ok();
        });
    }

    /// The state at this time, or later when the link is no longer stalled.
    fn passing(&self, due: Instant) -> State {
        let mut state = self.state.lock().unwrap();
        loop {
            let left = due.saturating_duration_since(Instant::now());
            state = match *state {
                State::Stalled => self.changed.wait(state).unwrap(),
                passing if left.is_zero() => return passing,
                _ => self.changed.wait_timeout(state, left).unwrap().0,
            };
        }
    }
}
