//! One blocking connection that sends several commands and then reads their
//! answers.

use super::answers::{Answers, read_answers};
use super::errors::{unavailable, unreachable};
use super::resp::Commands;
use super::socket::{Address, Socket};
use crate::store::Unavailable;
use redis::{Pipeline, Value};
use std::io;

/// A connection that is dropped at the first error, since a late answer could no
/// longer be matched to its command.
pub(super) struct Link {
    address: Address,
    socket: Option<Socket>,
}

impl Link {
    pub fn new(address: Address) -> Link {
        Link {
            address,
            socket: None,
        }
    }

    /// Connects, unless connected.
    pub fn open(&mut self) -> Result<(), Unavailable> {
        if self.socket.is_none() {
            let client = &self.address.client;
            let connected = self.address.connect();
            self.socket = Some(connected.map_err(|error| unreachable(client, &error))?);
        }
        Ok(())
    }

    /// Drops the connection, and every watch with it.
    pub fn close(&mut self) {
        self.socket = None;
    }

    /// Sends all commands at once and reads one answer each. An error of the
    /// server is an answer; an error of the connection closes it.
    pub fn send(&mut self, pipe: &Pipeline) -> Result<Vec<Value>, Unavailable> {
        self.open()?;
        self.send_on(pipe)
    }

    /// The same, but only on the open connection: commands of a transaction must
    /// not reach a connection that has not started it.
    pub fn send_on(&mut self, pipe: &Pipeline) -> Result<Vec<Value>, Unavailable> {
        self.exchange(|socket| {
            socket.write(&pipe.get_packed_pipeline())?;
            (0..pipe.len()).map(|_| socket.value()).collect()
        })
    }

    /// Sends a transaction on the open connection, and what follows it. The first
    /// `commands` end with EXEC.
    pub fn execute_on(
        &mut self,
        all: &Commands,
        commands: usize,
    ) -> Result<(Answers, Vec<Value>), Unavailable> {
        self.exchange(|socket| {
            socket.write(all.bytes())?;
            let answers = read_answers(socket.answers(), commands)?;
            let behind = (commands..all.len()).map(|_| socket.value());
            Ok((answers, behind.collect::<io::Result<_>>()?))
        })
    }

    fn exchange<T>(
        &mut self,
        with: impl FnOnce(&mut Socket) -> io::Result<T>,
    ) -> Result<T, Unavailable> {
        let Some(socket) = &mut self.socket else {
            return Err(Unavailable("Redis: not connected".into()));
        };
        let done = with(socket);
        if done.is_err() {
            self.close();
        }
        done.map_err(|error| unavailable(error.into()))
    }
}
