//! Ranges of an arena, as plugins and batches use them.

/// `length` bytes of an arena, from `start`; or absent, which differs from empty:
/// a tombstone's value is absent, an empty value is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Span {
    /// Where it begins; `u32::MAX` means absent.
    pub start: u32,
    /// How many bytes.
    pub length: u32,
}

impl Span {
    /// The span of an absent value.
    pub const ABSENT: Span = Span {
        start: u32::MAX,
        length: 0,
    };

    /// Appends `bytes` to `arena` and returns their span.
    ///
    /// An arena never reaches 4 GiB: the limits of batches and answers are far
    /// below.
    pub fn push(arena: &mut Vec<u8>, bytes: &[u8]) -> Span {
        let start = arena.len() as u32;
        arena.extend_from_slice(bytes);
        Span {
            start,
            length: bytes.len() as u32,
        }
    }

    /// [`Span::push`] for an optional value.
    pub fn push_option(arena: &mut Vec<u8>, bytes: Option<&[u8]>) -> Span {
        bytes.map_or(Span::ABSENT, |bytes| Span::push(arena, bytes))
    }

    /// Whether the value is absent.
    pub fn is_absent(self) -> bool {
        self.start == u32::MAX
    }

    /// Whether it is absent or inside an arena of `len` bytes.
    pub fn fits(self, len: usize) -> bool {
        self.is_absent() || u64::from(self.start) + u64::from(self.length) <= len as u64
    }

    /// The bytes, or `None` if they are absent or outside the arena.
    pub fn of(self, arena: &[u8]) -> Option<&[u8]> {
        let start = self.start as usize;
        if self.is_absent() {
            return None;
        }
        arena.get(start..start.checked_add(self.length as usize)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_outside_its_arena_has_no_bytes() {
        let arena = b"abc";
        assert_eq!(
            Span {
                start: 1,
                length: 2
            }
            .of(arena),
            Some(&b"bc"[..])
        );
        assert_eq!(
            Span {
                start: 3,
                length: 0
            }
            .of(arena),
            Some(&b""[..])
        );
        assert_eq!(
            Span {
                start: 1,
                length: 3
            }
            .of(arena),
            None
        );
        assert_eq!(
            Span {
                start: 4,
                length: 0
            }
            .of(arena),
            None
        );
        assert_eq!(
            Span {
                start: u32::MAX - 1,
                length: u32::MAX
            }
            .of(arena),
            None
        );
        assert_eq!(Span::ABSENT.of(arena), None);
    }
}
