//! Which protocol a connection speaks.

use std::io;
use std::time::Duration;
use tokio::net::TcpStream;

/// What every HTTP/2 connection begins with (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// Whether the client begins with HTTP/2's preface; nothing is taken from the
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
        // A part of it, which is there already and would be again. It comes in
        // one piece from all who mean it: the others are looked at less and less.
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}
