//! Reads replies of Redis without keeping them.

use std::io::{self, Read};
use std::net::TcpStream;

pub struct Replies {
    socket: TcpStream,
    buffer: Vec<u8>,
    from: usize,
    to: usize,
}

impl Replies {
    pub fn new(socket: TcpStream) -> Replies {
        Replies {
            socket,
            buffer: vec![0; 64 << 10],
            from: 0,
            to: 0,
        }
    }

    /// Skips this many replies, an array's elements counted beside it.
    ///
    /// # Errors
    /// Redis' first error, if it refused one.
    pub fn skip(&mut self, replies: usize) -> io::Result<()> {
        for _ in 0..replies {
            let line = self.line()?;
            match line.first() {
                Some(b'-') => {
                    return Err(io::Error::other(String::from_utf8_lossy(line)));
                }
                Some(b'$') => {
                    let length = line[1..]
                        .iter()
                        .fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
                    self.skip_bytes(length + 2)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The next line, without its end.
    fn line(&mut self) -> io::Result<&[u8]> {
        loop {
            let unread = &self.buffer[self.from..self.to];
            if let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                let line = self.from..self.from + end - 1;
                self.from += end + 1;
                return Ok(&self.buffer[line]);
            }
            self.read()?;
        }
    }

    fn skip_bytes(&mut self, count: usize) -> io::Result<()> {
        while self.to - self.from < count {
            self.read()?;
        }
        self.from += count;
        Ok(())
    }

    fn read(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, self.to - self.from);
        match self.socket.read(&mut self.buffer[self.to..])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.to += read;
                Ok(())
            }
        }
    }
}
