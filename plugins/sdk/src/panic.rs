//! Reports panics. In wasm a panic is a trap without a message; this adds one.

use std::cell::Cell;

std::thread_local! {
    static RECORD: Cell<u32> = const { Cell::new(u32::MAX) };
}

/// Notes the index of the current record.
#[inline]
pub fn set_record(index: u32) {
    RECORD.set(index);
}

/// The index of the current record.
pub(crate) fn record() -> u32 {
    RECORD.get()
}

/// Reports a panic's record and message through `report`. Call it once per
/// instance.
pub fn install(report: fn(u32, &str)) {
    std::panic::set_hook(Box::new(move |info| {
        report(RECORD.get(), &info.to_string());
    }));
}
