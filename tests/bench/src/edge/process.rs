//! One process of clients, from the measuring process's side.

use crate::edge::protocol::{Answer, Order};
use anyhow::{Context as _, Result};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// It ends when this is dropped or when the measuring process ends.
pub struct Process {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pub clients: u32,
}

impl Process {
    /// Starts this program again, for this many clients.
    pub fn start(clients: u32) -> Result<Process> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["edge", "client"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().context("can't start a client process")?;
        let answers = child
            .stdout
            .take()
            .context("the client process has no standard output")?;
        Ok(Process {
            orders: child.stdin.take(),
            answers: BufReader::new(answers),
            child,
            clients,
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Gives an order and waits for its response.
    pub fn ask(&mut self, order: &Order) -> Result<Answer> {
        self.tell(order)?;
        self.hear()
    }

    /// Gives an order; its response must be read before the next.
    pub fn tell(&mut self, order: &Order) -> Result<()> {
        let mut orders = self
            .orders
            .as_ref()
            .context("the client process has ended")?;
        writeln!(orders, "{}", serde_json::to_string(order)?).context("lost a client process")
    }

    pub fn hear(&mut self) -> Result<Answer> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).context("lost a client process")
    }
}

impl Drop for Process {
    /// It ends when its input does; its ports are free afterwards.
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.child.wait();
    }
}
