//! Which protocol a connection speaks.

use std::io;
use std::time::Duration;
use tokio::net::TcpStream;

/// What every HTTP/2 connection begins with (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// Whether the client starts with HTTP/2's preface. Consumes nothing from the
/// socket.
pub(super) async fn speaks_http2(socket: &TcpStream) -> io::Result<bool> {
    let mut begin = [0; PREFACE.len()];
    let mut pause = FIRST_PAUSE;
    loop {
        let there = socket.peek(&mut begin).await?;
        let begin = &begin[..there];
        if there == PREFACE.len() || there == 0 || !PREFACE.starts_with(begin) {
            return Ok(begin == PREFACE);
        }
        // A part of the preface would make the socket readable at once, again
        // and again. Real clients send it in one piece, so others are polled
        // with growing pauses.
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}
