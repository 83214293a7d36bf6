use crate::abi::Span;
use crate::abi::stateful::exports::millstream::plugin::stateful_transform as wire;

/// Collects the keys of the current record.
pub struct Keys<'a> {
    record: u32,
    answer: &'a mut wire::NamedKeys,
}

impl Keys<'_> {
    pub(super) fn new(record: u32, answer: &mut wire::NamedKeys) -> Keys<'_> {
        Keys { record, answer }
    }

    /// Names a key: 1 to 256 bytes, at most 100 for one record. (A key that breaks
    /// these rules fails the record as `bad-output`.)
    pub fn add(&mut self, key: impl AsRef<[u8]>) {
        let key = Span::push(&mut self.answer.arena, key.as_ref());
        self.answer.keys.push(wire::Key {
            record: self.record,
            key,
        });
    }
}

impl<K: AsRef<[u8]>> Extend<K> for Keys<'_> {
    fn extend<I: IntoIterator<Item = K>>(&mut self, keys: I) {
        keys.into_iter().for_each(|key| self.add(key));
    }
}
