//! Writing to and reading from a socket, without ever waiting for it.

use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::{Context, Poll};
use tokio::net::TcpStream;

/// Pieces of one write.
const PIECES: usize = 32;
/// What a client may say while it listens, in bytes; it is not read.
const CHATTER: usize = 16 << 10;

/// Writes until the queue is empty or the socket full; returns how much.
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

/// Reads what the client says, to see when it goes: whether it has. More than
/// a bit of chatter is no event stream's client.
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
