//! One blocking connection that sends several commands and then reads their
//! answers.

use super::errors::{PATIENCE, unavailable, unreachable};
use crate::store::Unavailable;
use redis::{Connection, Pipeline, RedisResult, Value};

/// A connection that is dropped at the first error, since a late answer could no
/// longer be matched to its command.
pub(super) struct Link {
    client: redis::Client,
    connection: Option<Connection>,
}

impl Link {
    pub fn new(client: redis::Client) -> Link {
        Link {
            client,
            connection: None,
        }
    }

    /// Connects, unless connected.
    pub fn open(&mut self) -> Result<(), Unavailable> {
        if self.connection.is_none() {
            let connected = self.connect();
            self.connection = Some(connected.map_err(|error| unreachable(&self.client, &error))?);
        }
        Ok(())
    }

    fn connect(&self) -> RedisResult<Connection> {
        let connection = self.client.get_connection_with_timeout(PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        connection.set_write_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    /// Drops the connection, and every watch with it.
    pub fn close(&mut self) {
        self.connection = None;
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
        let answers = self.exchange(pipe);
        if answers.is_err() {
            self.close();
        }
        answers.map_err(unavailable)
    }

    fn exchange(&mut self, pipe: &Pipeline) -> RedisResult<Vec<Value>> {
        let Some(connection) = &mut self.connection else {
            return Err((redis::ErrorKind::Io, "not connected").into());
        };
        connection.send_packed_command(&pipe.get_packed_pipeline())?;
        (0..pipe.len())
            .map(|_| connection.recv_response())
            .collect()
    }
}
