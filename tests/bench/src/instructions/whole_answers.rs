//! A Redis whose answers arrive whole. Else the number of reads, and with it the count, depends on
//! how fast Redis is.

use anyhow::{Context, Result};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Redis pauses for less within its answers to one write.
const QUIET: Duration = Duration::from_millis(20);

/// The address of a server that passes everything on to the Redis at `url`.
pub fn before(url: &str) -> Result<String> {
    let redis = url.strip_prefix("redis://").context("expected redis://")?;
    let redis = redis.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming() {
            // A connection that fails is seen by the client.
            let _ = client.and_then(|client| pass_on(client, TcpStream::connect(&redis)?));
        }
    });
    Ok(format!("redis://{address}"))
}

fn pass_on(client: TcpStream, redis: TcpStream) -> io::Result<()> {
    let (mut asks, mut asked) = (client.try_clone()?, redis.try_clone()?);
    thread::spawn(move || io::copy(&mut asks, &mut asked));
    thread::spawn(move || answer(redis, client));
    Ok(())
}

fn answer(mut redis: TcpStream, mut client: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        redis.set_read_timeout(None)?;
        let mut whole = Vec::new();
        // Ends when Redis is quiet.
        while let Ok(read) = redis.read(&mut buffer) {
            if read == 0 {
                return Ok(());
            }
            whole.extend_from_slice(&buffer[..read]);
            redis.set_read_timeout(Some(QUIET))?;
        }
        client.write_all(&whole)?;
    }
}
