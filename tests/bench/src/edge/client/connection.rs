//! One client's consecutive connections.

use super::http::Answer;
use super::shared::Shared;
use super::sse::Parser;
use crate::clock::now;
use std::future::poll_fn;
use std::io::{Error, ErrorKind, Result};
use std::net::Ipv4Addr;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::select;
use tokio::time::sleep;

/// The limit of connections to one address of the server, which listens on all of loopback: there
/// are 28,000 local ports, and ports of closed connections stay taken for a minute.
const A_HOST: u32 = 4000;

/// How a connection ended.
enum End {
    /// The tool cut it.
    Cut,
    /// The server ended it.
    Ended,
}

/// Keeps client `at` connected until the process ends.
pub async fn keep(shared: Rc<Shared>, at: usize) {
    let mut cuts = shared.cut.subscribe();
    loop {
        // One for the whole connection: it is queued once instead of at each read.
        let cut = async { cuts.changed().await.is_ok() };
        let mut live = false;
        let ended = select! {
            biased;
            _ = cut => Ok(End::Cut),
            ended = connect(&shared, at, &mut live) => ended,
        };
        note(&shared, &ended, live);
        shared.status.borrow_mut().retries += 1;
        if !matches!(ended, Ok(End::Cut)) {
            let retry = shared.clients.borrow()[at].retry;
            sleep(retry).await;
        }
    }
}

fn note(shared: &Shared, ended: &Result<End>, live: bool) {
    let mut status = shared.status.borrow_mut();
    match ended {
        Ok(End::Cut) => return, // the cutter has already updated `live`
        Ok(End::Ended) => status.ended += 1,
        Err(error) if error.kind() == ErrorKind::InvalidData => status.rejected += 1,
        Err(_) if live => status.ended += 1,
        Err(_) => status.refused += 1,
    }
    status.live -= u64::from(live);
    if let Err(error) = ended {
        status.trouble = Some(error.to_string());
    }
}

/// Connects and reads until the connection ends; `live` once the first frame has arrived.
async fn connect(shared: &Shared, at: usize, live: &mut bool) -> Result<End> {
    let mut opening = Some(shared.opening.acquire().await.unwrap());
    let mut stream = dial(shared, at).await?;
    send(&stream, &shared.request(at)).await?;
    let mut reader = Reader::default();
    loop {
        let more = poll_fn(|cx| reader.poll(cx, &mut stream, shared, at));
        if !more.await? {
            return Ok(End::Ended);
        }
        if reader.framed && !*live {
            *live = true;
            drop(opening.take()); // the next client may connect
            let mut status = shared.status.borrow_mut();
            status.live += 1;
            status.last_live_at = now();
        }
    }
}

async fn dial(shared: &Shared, at: usize) -> Result<TcpStream> {
    let (n, mut address) = shared.whom(at);
    // Binding to several source addresses would also work, but searches for a free port: among
    // thousands of recently closed ones that takes longer than everything else.
    if address.ip().is_unspecified() {
        let number = u8::try_from(2 + n / A_HOST).expect("too many clients");
        address.set_ip(Ipv4Addr::new(127, 0, 0, number).into());
    }
    TcpSocket::new_v4()?.connect(address).await
}

async fn send(stream: &TcpStream, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The position in the server's response.
#[derive(Default)]
struct Reader {
    answer: Answer,
    parser: Parser,
    /// A frame has ended.
    framed: bool,
}

impl Reader {
    /// Reads once and processes the data; false at the end.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut TcpStream,
        shared: &Shared,
        at: usize,
    ) -> Poll<Result<bool>> {
        let mut buffer = shared.buffer.borrow_mut();
        let mut read = ReadBuf::new(&mut buffer);
        // After a short read tokio knows that the socket is empty: no second call to find that out.
        ready!(pin!(stream).poll_read(cx, &mut read))?;
        Poll::Ready(self.take(read.filled(), shared, at))
    }

    fn take(&mut self, bytes: &[u8], shared: &Shared, at: usize) -> Result<bool> {
        let now = now();
        let (parser, framed) = (&mut self.parser, &mut self.framed);
        let mut body = |bytes: &[u8]| {
            parser.feed(bytes, &mut |frame| {
                *framed = true;
                shared.take(at, frame, now);
            });
        };
        let more = self.answer.decode(bytes, &mut body);
        more.map_err(|why| Error::new(ErrorKind::InvalidData, why))
    }
}
