//! Helpers for test plugins that break their contract. Not a plugin.

use millstream_plugin::abi::{Header, Span};

/// A span outside every arena.
pub const OUTSIDE: Span = Span {
    start: 0xffff_0000,
    length: 0xffff,
};

/// The position of the bytes after they are appended to an arena.
pub fn push(arena: &mut Vec<u8>, bytes: &[u8]) -> Span {
    let start = arena.len() as u32;
    arena.extend_from_slice(bytes);
    Span {
        start,
        length: bytes.len() as u32,
    }
}

/// A list with a forged address and length. No code here ever reads it: the host refuses the
/// answer, and the instance is never used again.
pub fn forged<T>(address: usize, length: usize) -> Vec<T> {
    let address = std::ptr::without_provenance_mut(std::hint::black_box(address));
    // SAFETY: deliberately unsound. The answer is lowered as its address and its length, without
    // reading the content.
    unsafe { Vec::from_raw_parts(address, length, length) }
}

/// Adds as many headers as are allowed, whose values are all the same 256 KiB; returns how many.
pub fn wide(arena: &mut Vec<u8>, headers: &mut Vec<Header>) -> u32 {
    let name = push(arena, b"wide");
    let value = push(arena, &[b'w'; 256 << 10]);
    headers.extend((0..100).map(|_| Header { name, value }));
    100
}

/// Allocates memory without touching it, which would take time.
pub fn grow() -> ! {
    let mut all = Vec::new();
    loop {
        all.push(std::hint::black_box(Vec::<u8>::with_capacity(1 << 20)));
    }
}

/// Never returns.
pub fn spin() -> ! {
    loop {
        std::hint::black_box(());
    }
}
