use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// The way to a server, which a test can cut: a TCP forwarder with an address of its own.
///
/// Browsers and clients that connect through it lose what they have open, which no setting of
/// theirs can bring about; a server behind it lives on.
pub struct Link {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Connections end, new ones at once.
    Cut,
    /// Connections stay, nothing passes.
    Stalled,
    /// What clients say passes, what the server answers is thrown away.
    Deaf,
    /// The link was dropped.
    Gone,
}

struct Shared {
    server: String,
    state: Mutex<State>,
    changed: Condvar,
    /// Both ends of every connection there was since the last cut.
    sockets: Mutex<Vec<TcpStream>>,
}

impl Link {
    /// A link to this server (`127.0.0.1:port`), open.
    pub fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server: server.to_owned(),
            state: Mutex::new(State::Open),
            changed: Condvar::new(),
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

    /// Where to connect to (`127.0.0.1:port`).
    pub fn addr(&self) -> String {
        self.addr.to_string()
    }

    /// Lets everything through again; what was cut stays cut.
    pub fn open(&self) {
        self.shared.set(State::Open);
    }

    /// Ends every connection, and new ones at once.
    pub fn cut(&self) {
        self.shared.set(State::Cut);
        self.shared.end_all();
    }

    /// Holds back everything, both ways; [`Link::open`] lets it go on.
    pub fn stall(&self) {
        self.shared.set(State::Stalled);
    }

    /// From now on the server hears, and its answers are lost. Cut before opening again: what is
    /// left of the connections makes no sense to a client.
    pub fn lose_answers(&self) {
        self.shared.set(State::Deaf);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.cut();
        self.shared.set(State::Gone);
        TcpStream::connect(self.addr).ok(); // wakes the thread that accepts, so that it sees
    }
}

impl Shared {
    fn set(&self, state: State) {
        *self.state.lock().unwrap() = state;
        self.changed.notify_all();
    }

    fn state(&self) -> State {
        *self.state.lock().unwrap()
    }

    fn connect(self: &Arc<Self>, client: TcpStream) {
        let Ok(server) = TcpStream::connect(&self.server) else {
            return; // as if cut
        };
        for socket in [&client, &server] {
            socket.set_nodelay(true).unwrap();
        }
        self.pump(&client, &server, false);
        self.pump(&server, &client, true);
        self.sockets.lock().unwrap().extend([client, server]);
        if self.state() == State::Cut {
            self.end_all(); // it was cut while we connected
        }
    }

    fn end_all(&self) {
        for socket in self.sockets.lock().unwrap().drain(..) {
            socket.shutdown(Shutdown::Both).ok(); // its peer may have ended it
        }
    }

    /// Copies from one to the other in the background until either ends.
    fn pump(self: &Arc<Self>, from: &TcpStream, to: &TcpStream, answers: bool) {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        let shared = Arc::clone(self);
        thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                let lost = shared.passing() == State::Deaf && answers;
                if !lost && to.write_all(&buffer[..read]).is_err() {
                    from.shutdown(Shutdown::Both).ok(); // nobody listens: let it know
                    break;
                }
            }
            to.shutdown(Shutdown::Write).ok();
        });
    }

    /// The state, when it is not stalled.
    fn passing(&self) -> State {
        let state = self.state.lock().unwrap();
        *self
            .changed
            .wait_while(state, |state| *state == State::Stalled)
            .unwrap()
    }
}
