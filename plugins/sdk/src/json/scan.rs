//! Looks for the bytes that mean something in a JSON string, many at a time: quotes,
//! backslashes and control characters.
//!
//! The engine looks at its clock in every round of a loop and in every function, which
//! takes as long as the rest of a short one. So what is short has no loops here.

/// The index of the first such byte from `from` on; the length if there is none.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub(super) fn special(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    if let Some(chunk) = rest.first_chunk()
        && let Some(at) = wide::special(chunk)
    {
        return from + at;
    }
    far(bytes, from)
}

/// The same, for one that is further away. Not inlined, so that it takes no registers from
/// what surrounds the short ones.
#[inline(never)]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn far(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let (chunks, end) = rest.as_chunks();
    for (index, chunk) in chunks.iter().enumerate() {
        if let Some(at) = wide::special(chunk) {
            return from + index * 16 + at;
        }
    }
    let is_special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    let at = end.iter().position(is_special);
    from + chunks.len() * 16 + at.unwrap_or(end.len())
}

/// Appends `bytes` to `out`, if none of them is special.
///
/// Copies of a fixed length are instructions; for others the engine calls a function. So
/// the last bytes are copied with some of those before them.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub(super) fn copy_plain(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let end = out.len() + bytes.len();
    if let (Some(first), Some(last)) = (bytes.first_chunk::<16>(), bytes.last_chunk::<16>()) {
        out.extend_from_slice(first);
        let mut is_plain = wide::special(first).is_none();
        for chunk in bytes[16..].as_chunks::<16>().0 {
            out.extend_from_slice(chunk);
            is_plain &= wide::special(chunk).is_none();
        }
        out.truncate(end - last.len());
        out.extend_from_slice(last);
        return is_plain && wide::special(last).is_none();
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        out.extend_from_slice(first);
        out.truncate(end - last.len());
        out.extend_from_slice(last);
        return of_eight(*first).is_none() && of_eight(*last).is_none();
    }
    let mut all = [b' '; 8];
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        out.extend_from_slice(first);
        out.truncate(end - last.len());
        out.extend_from_slice(last);
        all[..4].copy_from_slice(first);
        all[4..].copy_from_slice(last);
    } else if let [first, .., last] = *bytes {
        let middle = bytes[bytes.len() / 2];
        out.extend_from_slice(&[first, middle]);
        out.truncate(end - 1);
        out.push(last);
        [all[0], all[1], all[2]] = [first, middle, last];
    } else if let [only] = *bytes {
        out.push(only);
        all[0] = only;
    }
    of_eight(all).is_none()
}

/// Eight bytes: the first special one, by Mycroft's test for a zero byte.
#[inline]
fn of_eight(chunk: [u8; 8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    let bytes = u64::from_le_bytes(chunk);
    let zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
    let control = bytes.wrapping_sub(ONES * 0x20) & !bytes;
    let quote = zero(bytes ^ (ONES * u64::from(b'"')));
    let backslash = zero(bytes ^ (ONES * u64::from(b'\\')));
    let found = (control | quote | backslash) & (ONES << 7);
    // Only the lowest bit is sure to be right, and no other counts.
    (found != 0).then(|| found.trailing_zeros() as usize / 8)
}

/// Whether all bytes are ASCII.
pub(super) use wide::is_ascii;

#[cfg(not(target_arch = "wasm32"))]
mod wide {
    use super::of_eight;

    /// Sixteen bytes: the first special one.
    #[inline]
    pub fn special(chunk: &[u8; 16]) -> Option<usize> {
        let [first, last] = [0, 8].map(|at| chunk[at..].first_chunk().copied().map(of_eight));
        let last = || last.flatten().map(|at| 8 + at);
        first.flatten().or_else(last)
    }

    pub fn is_ascii(bytes: &[u8]) -> bool {
        bytes.is_ascii()
    }
}

/// With instructions that the engine of every host has, whatever flags the plugin is built
/// with.
#[cfg(target_arch = "wasm32")]
mod wide {
    use core::arch::wasm32::{
        i8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, v128, v128_load, v128_or,
    };

    #[inline]
    #[target_feature(enable = "simd128")]
    fn load(chunk: &[u8; 16]) -> v128 {
        // SAFETY: the chunk has sixteen bytes; the load needs no alignment.
        unsafe { v128_load(chunk.as_ptr().cast()) }
    }

    /// Sixteen bytes: the first special one.
    #[inline]
    #[target_feature(enable = "simd128")]
    pub fn special(chunk: &[u8; 16]) -> Option<usize> {
        let bytes = load(chunk);
        let quote = u8x16_eq(bytes, u8x16_splat(b'"'));
        let backslash = u8x16_eq(bytes, u8x16_splat(b'\\'));
        let control = u8x16_lt(bytes, u8x16_splat(0x20));
        let found = i8x16_bitmask(v128_or(v128_or(quote, backslash), control));
        (found != 0).then(|| found.trailing_zeros() as usize)
    }

    #[target_feature(enable = "simd128")]
    pub fn is_ascii(bytes: &[u8]) -> bool {
        let (blocks, end) = bytes.as_chunks::<128>();
        let mut all = u8x16_splat(0);
        for block in blocks {
            let [a, b, c, d, e, f, g, h] = *block.as_chunks().0 else {
                return false;
            };
            let ab = v128_or(load(&a), load(&b));
            let cd = v128_or(load(&c), load(&d));
            let ef = v128_or(load(&e), load(&f));
            let gh = v128_or(load(&g), load(&h));
            all = v128_or(all, v128_or(v128_or(ab, cd), v128_or(ef, gh)));
        }
        let (chunks, end) = end.as_chunks();
        for chunk in chunks {
            all = v128_or(all, load(chunk));
        }
        i8x16_bitmask(all) == 0 && end.is_ascii()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_special_byte_is_found_wherever_it_is() {
        for length in 0..70 {
            let plain = vec![b' '; length];
            let mut out = b"before".to_vec();
            assert!(copy_plain(&mut out, &plain));
            assert_eq!(out, [&b"before"[..], &plain].concat());
            for at in 0..length {
                for byte in [0, 0x1f, b'"', b'\\'] {
                    let mut bytes = plain.clone();
                    bytes[at] = byte;
                    assert_eq!(special(&bytes, 0), at);
                    assert_eq!(special(&bytes, at + 1), length);
                    assert!(!copy_plain(&mut Vec::new(), &bytes));
                }
            }
        }
    }

    #[test]
    fn other_bytes_are_copied_as_they_are() {
        let others: Vec<u8> = (0x20..=0xff).filter(|b| !b"\"\\".contains(b)).collect();
        for from in 0..others.len() {
            let bytes = &others[from..];
            assert_eq!(special(&others, from), others.len());
            let mut out = Vec::new();
            assert!(copy_plain(&mut out, bytes));
            assert_eq!(out, bytes);
        }
    }
}
