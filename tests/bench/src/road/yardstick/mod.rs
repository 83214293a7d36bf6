//! The yardstick: what somebody would write by hand to bring records from Kafka to Redis, as fast
//! as it can be made. It keeps no ledger, runs no plugin and counts nothing: a crash loses or
//! doubles events.
//!
//! One thread consumes, reshapes and encodes; another sends batches to Redis and reads the
//! replies. So both work at once, as Millstream's do.

mod encode;
mod fetch;
mod replies;

use anyhow::Result;
use encode::Encoder;
use fetch::Fetcher;
use replies::Replies;
use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Records of one pipeline to Redis.
const BATCH: usize = 512;

#[derive(clap::Args)]
pub struct Options {
    #[arg(long)]
    kafka: String,
    #[arg(long)]
    redis: String,
    #[arg(long)]
    topic: String,
    #[arg(long)]
    partitions: i32,
    #[arg(long)]
    prefix: String,
    /// Each batch in MULTI and EXEC
    #[arg(long)]
    multi: bool,
}

/// A batch's commands, and how many replies they get.
#[derive(Default)]
struct Commands {
    bytes: Vec<u8>,
    replies: usize,
}

/// Runs until it is killed.
pub fn run(options: &Options) -> Result<()> {
    let socket = TcpStream::connect(&options.redis)?;
    socket.set_nodelay(true)?;
    let (filled, to_send) = sync_channel::<Commands>(1);
    let (sent, emptied) = sync_channel::<Commands>(4);
    for _ in 0..3 {
        sent.send(Commands::default())?;
    }
    let sender = thread::spawn(move || send(socket, &to_send, &sent));
    let read = read(options, &emptied, &filled);
    drop(filled);
    // Its error is the reason why reading ended.
    sender.join().expect("the sender panicked")?;
    read
}

fn read(
    options: &Options,
    emptied: &Receiver<Commands>,
    filled: &SyncSender<Commands>,
) -> Result<()> {
    let mut fetcher = Fetcher::new(&options.kafka, &options.topic, options.partitions)?;
    let mut encoder = Encoder::new(&options.prefix, &options.topic);
    loop {
        let mut commands = emptied.recv()?;
        commands.bytes.clear();
        if options.multi {
            commands.bytes.extend(b"*1\r\n$5\r\nMULTI\r\n");
        }
        let records = fetcher.batch(BATCH, |record| encoder.add(&mut commands.bytes, record))?;
        commands.replies = records;
        if options.multi {
            commands.bytes.extend(b"*1\r\n$4\r\nEXEC\r\n");
            // MULTI's, one for each queued command, EXEC's, and its elements.
            commands.replies = 1 + records + 1 + records;
        }
        filled.send(commands)?;
    }
}

fn send(
    mut socket: TcpStream,
    to_send: &Receiver<Commands>,
    sent: &SyncSender<Commands>,
) -> Result<()> {
    let mut replies = Replies::new(socket.try_clone()?);
    for commands in to_send {
        socket.write_all(&commands.bytes)?;
        replies.skip(commands.replies)?;
        sent.send(commands)?;
    }
    Ok(())
}
