//! Reports panics. In wasm a panic is a trap without a message; this adds one.

use std::sync::atomic::{AtomicU32, Ordering};

static RECORD: AtomicU32 = AtomicU32::new(u32::MAX);

/// Notes the index of the current record.
pub fn set_record(index: u32) {
    RECORD.store(index, Ordering::Relaxed);
}

/// Reports a panic's record and message through `report`. Call it once per
/// instance.
pub fn install(report: fn(u32, &str)) {
    std::panic::set_hook(Box::new(move |info| {
        report(RECORD.load(Ordering::Relaxed), &info.to_string());
    }));
}
