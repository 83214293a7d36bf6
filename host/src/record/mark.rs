//! Byte order marks, which editors and shells on Windows put before a text.

/// An explanation, if `bytes` begin with a byte order mark: JSON must not have one (RFC 8259,
/// section 8.1), and a parser only reports that it expected a value there.
pub fn byte_order_mark(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xef, 0xbb, 0xbf, ..] => Some(
            "it starts with a byte order mark (the bytes EF BB BF), which JSON does not allow: \
             save it as UTF-8 without a byte order mark",
        ),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(
            "it starts with the byte order mark of UTF-16, but JSON must be UTF-8: save it as \
             UTF-8 without a byte order mark",
        ),
        _ => None,
    }
}
