//! The clients' names and the events' format, shared by the writer and the readers.

/// The name of client number `n`. `run` separates the clients of one run from those of other runs
/// on the same Redis, so that every stream starts empty.
pub fn name(run: &str, n: u32) -> String {
    format!("{run}-{n:06}")
}

/// The key of its stream.
pub fn stream(prefix: &str, run: &str, n: u32) -> String {
    format!("{prefix}:{{0}}:client:{}", name(run, n))
}

/// The start of a payload; 20 digits of nanoseconds follow.
const BEGINS: &[u8] = b"{\"at\":\"";
const DIGITS: usize = 20;

/// A JSON document with its creation time, about `size` bytes long.
pub fn payload(at: u64, size: usize) -> Vec<u8> {
    let mut payload = BEGINS.to_vec();
    payload.extend_from_slice(format!("{at:0DIGITS$}\",\"pad\":\"").as_bytes());
    payload.resize(size.max(payload.len() + 2) - 2, b'x');
    payload.extend_from_slice(b"\"}");
    payload
}

/// Its creation time, if this tool made it.
pub fn made_at(payload: &[u8]) -> Option<u64> {
    let digits = payload.strip_prefix(BEGINS)?.get(..DIGITS)?;
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// The entries received of a stream, or present in it: their number, and a hash of their IDs in
/// order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tally {
    pub count: u64,
    pub hash: u64,
}

impl Tally {
    pub fn add(&mut self, id: &[u8]) {
        self.count += 1;
        // FNV-1a, starting from the previous hash; a line end distinguishes `1`, `2` from `12`.
        for byte in id.iter().chain(b"\n") {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
