//! What one value may cost: nothing else stops native code.

/// The limits of one decoded value.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes of JSON.
    pub bytes: usize,
    /// The deepest nesting.
    pub depth: u32,
}

impl Limits {
    /// The deepest nesting that readers of JSON commonly accept.
    pub const DEPTH: u32 = 100;
    /// Steps that every value may take, whatever its size.
    const STEPS: u64 = 10_000;
    /// Further steps for each byte of the value. A step is a value in it: each takes at least a
    /// byte, except nulls and empty records.
    const STEPS_PER_BYTE: u64 = 16;

    /// How many steps a value of so many bytes may take.
    pub(super) fn steps(bytes: usize) -> u64 {
        Self::STEPS + Self::STEPS_PER_BYTE * bytes as u64
    }
}
