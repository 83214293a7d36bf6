//! Frames, and their fan-out to the sockets of a group.

use super::{Case, records};
use anyhow::Result;
use millstream::record::{Entry, StreamId};
use millstream::sse::bench::FanOut;
use millstream::sse::frame;
use std::hint::black_box;
use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

const FRAMES: usize = 256;
const SOCKETS: usize = 64;
const EVENTS: usize = 4;

/// An event's frame is encoded.
pub fn frames() -> Case {
    let entry = |(number, (_, data)): (usize, (String, String))| Entry {
        id: StreamId {
            millis: 1_700_000_000_000,
            number: number as u64,
        },
        kind: "order.shipped".into(),
        data: data.into(),
    };
    let entries = records::made(FRAMES).into_iter().enumerate();
    let entries: Vec<Entry> = entries.map(entry).collect();
    Case::new("edge/frame", FRAMES, move || {
        entries.iter().for_each(|entry| {
            black_box(frame::event_with_id(entry));
        });
    })
}

/// A page of a group is written to its followers' sockets.
pub fn fan_out() -> Result<Case> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let (ours, theirs) = sockets()?;
    let mut fan_out = runtime.block_on(async {
        let mut sockets = Vec::new();
        for socket in ours {
            let socket = tokio::net::TcpStream::from_std(socket)?;
            socket.writable().await?;
            sockets.push(socket);
        }
        anyhow::Ok(FanOut::new(sockets)?)
    })?;
    thread::spawn(move || drain(theirs));
    let events = records::made(EVENTS).into_iter();
    let events: Vec<_> = events
        .map(|(_, data)| ("order.shipped".into(), data.into()))
        .collect();
    Ok(Case::new("edge/fan-out", SOCKETS * EVENTS, move || {
        let _entered = runtime.enter();
        black_box(fan_out.give(&events));
    }))
}

/// Both ends of connections, neither of which blocks.
fn sockets() -> Result<(Vec<TcpStream>, Vec<TcpStream>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut both = (Vec::new(), Vec::new());
    for _ in 0..SOCKETS {
        both.0.push(TcpStream::connect(listener.local_addr()?)?);
        both.1.push(listener.accept()?.0);
    }
    for socket in both.0.iter().chain(&both.1) {
        socket.set_nonblocking(true)?;
    }
    Ok(both)
}

/// Reads what arrives, so that no socket is ever full.
fn drain(mut sockets: Vec<TcpStream>) {
    let mut buffer = vec![0; 64 << 10];
    loop {
        for socket in &mut sockets {
            match socket.read(&mut buffer) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
}
