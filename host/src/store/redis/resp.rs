//! Commands as bytes, as Redis reads them.

use redis::Pipeline;

/// Commands to send at once, encoded into one buffer that is used again for the
/// next ones. The library's pipeline keeps an allocation for each command, and
/// encodes all of them at the end.
#[derive(Default)]
pub(super) struct Commands {
    bytes: Vec<u8>,
    count: usize,
}

/// The buffer of a large batch is not kept.
const KEPT: usize = 1 << 20;

impl Commands {
    /// Begins a command of this many words, its name included, which follow.
    pub fn begin(&mut self, words: usize) {
        self.count += 1;
        self.head(b'*', words);
    }

    /// Adds a word of the command.
    pub fn word(&mut self, word: &[u8]) {
        self.parts(&[word]);
    }

    /// Adds a word that consists of these parts.
    pub fn parts(&mut self, parts: &[&[u8]]) {
        self.head(b'$', parts.iter().map(|part| part.len()).sum());
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Adds words that are encoded already.
    pub fn encoded(&mut self, words: &[u8]) {
        self.bytes.extend_from_slice(words);
    }

    /// Adds the library's commands.
    pub fn add(&mut self, commands: &Pipeline) {
        self.count += commands.len();
        self.bytes.extend(commands.get_packed_pipeline());
    }

    /// How many commands it has.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Removes all commands and keeps the buffer, unless it is large.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.count = 0;
    }

    fn head(&mut self, kind: u8, length: usize) {
        self.bytes.push(kind);
        let mut digits = [0; 20];
        self.bytes
            .extend_from_slice(decimal(&mut digits, length as u64));
        self.bytes.extend_from_slice(b"\r\n");
    }
}

/// A number in decimal digits, in this buffer.
pub(super) fn decimal(digits: &mut [u8; 20], number: u64) -> &[u8] {
    let (mut at, mut rest) = (digits.len(), number);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return &digits[at..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_encoded_as_the_library_does() {
        let mut ours = Commands::default();
        ours.begin(3);
        ours.word(b"SET");
        ours.parts(&[b"a", b"", b"bc"]);
        ours.word(&[b'x'; 1234]);
        let mut pipe = redis::pipe();
        pipe.cmd("SET").arg("abc").arg(vec![b'x'; 1234]);
        assert_eq!(ours.bytes(), pipe.get_packed_pipeline());
        ours.add(&pipe);
        assert_eq!(ours.len(), 2);
        assert_eq!(ours.bytes(), pipe.get_packed_pipeline().repeat(2));
        ours.clear();
        assert_eq!((ours.len(), ours.bytes()), (0, &b""[..]));
    }

    #[test]
    fn numbers_have_all_their_digits() {
        for number in [0, 7, 10, 99, 100, u64::MAX] {
            let text = number.to_string();
            assert_eq!(decimal(&mut [0; 20], number), text.as_bytes());
        }
    }
}
