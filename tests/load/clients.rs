//! Who the clients are, and what an event says: what the writing and the reading side agree on.

/// The name of client number `n`. `run` keeps the clients of one run apart from those of others
/// that used the same Redis, so that every stream begins empty.
pub fn name(run: &str, n: u32) -> String {
    format!("{run}-{n:06}")
}

/// The key of its stream.
pub fn stream(prefix: &str, run: &str, n: u32) -> String {
    format!("{prefix}:{{0}}:client:{}", name(run, n))
}

/// What a payload begins with; 20 digits of nanoseconds follow.
const BEGINS: &[u8] = b"{\"at\":\"";
const DIGITS: usize = 20;

/// A JSON document that says when it was made, about `size` bytes long.
pub fn payload(at: u64, size: usize) -> Vec<u8> {
    let mut payload = BEGINS.to_vec();
    payload.extend_from_slice(format!("{at:0DIGITS$}\",\"pad\":\"").as_bytes());
    payload.resize(size.max(payload.len() + 2) - 2, b'x');
    payload.extend_from_slice(b"\"}");
    payload
}

/// When it was made, if it is one of ours.
pub fn made_at(payload: &[u8]) -> Option<u64> {
    let digits = payload.strip_prefix(BEGINS)?.get(..DIGITS)?;
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// What was received of a stream, or what is in it: how many entries, and a hash of their IDs in
/// their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tally {
    pub count: u64,
    pub hash: u64,
}

impl Tally {
    pub fn add(&mut self, id: &[u8]) {
        self.count += 1;
        // FNV-1a, begun with what came before; a line end keeps `1`, `2` apart from `12`.
        for byte in id.iter().chain(b"\n") {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
