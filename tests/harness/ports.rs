//! Ports for servers that need a fixed one. Port 0 does not work: a restarted server must find its
//! port free, and the kernel may give ports of the ephemeral range to anyone in between. So they
//! are taken from below that range (32768 on Linux).

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;
use std::sync::Mutex;

const FIRST: u64 = 20_000;
const COUNT: u64 = 12_000;

static TAKEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// A free loopback port that this process has not handed out before.
pub fn free_port() -> u16 {
    let mut taken = TAKEN.lock().unwrap();
    let taken = taken.get_or_insert_default();
    let random = RandomState::new(); // a new seed in each process
    (0..1000_u64)
        .map(|n| u16::try_from(FIRST + random.hash_one(n) % COUNT).unwrap())
        .find(|port| is_free(*port) && taken.insert(*port))
        .expect("no free port on 127.0.0.1 between 20000 and 32000")
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}
