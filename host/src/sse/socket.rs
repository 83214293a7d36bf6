//! Non-blocking reads and writes of a socket.

use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::{Context, Poll};
use tokio::net::TcpStream;

/// The most pieces of one write.
const PIECES: usize = 32;
/// The most bytes that a client may send while it reads; they are dropped.
const CHATTER: usize = 16 << 10;

/// Writes until the queue is empty or the socket is full. Returns the bytes
/// written.
pub(super) fn write_all(socket: &TcpStream, queue: &mut VecDeque<Bytes>) -> io::Result<usize> {
    let mut all = 0;
    while !queue.is_empty() {
        let mut pieces = [IoSlice::new(&[]); PIECES];
        let count = queue.len().min(PIECES);
        for (piece, bytes) in pieces.iter_mut().zip(queue.iter()) {
            *piece = IoSlice::new(bytes);
        }
        match socket.try_write_vectored(&pieces[..count]) {
            Ok(written) => {
                all += written;
                advance(queue, written);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

fn advance(queue: &mut VecDeque<Bytes>, mut written: usize) {
    while let Some(first) = queue.front_mut() {
        if written < first.len() {
            first.advance(written);
            return;
        }
        written -= first.len();
        queue.pop_front();
    }
}

/// Reads and drops what the client sends. Returns whether the client is gone;
/// one that sends more than [`CHATTER`] counts as gone.
pub(super) fn heard(socket: &TcpStream, chatter: &mut usize, cx: &mut Context<'_>) -> bool {
    let mut buffer = [0; 512];
    loop {
        match socket.poll_read_ready(cx) {
            Poll::Pending => return false,
            Poll::Ready(Err(_)) => return true,
            Poll::Ready(Ok(())) => {}
        }
        match socket.try_read(&mut buffer) {
            Ok(0) => return true,
            Ok(read) => *chatter += read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return true,
        }
        if *chatter > CHATTER {
            return true;
        }
    }
}
