//! A wasm plugin's panic is a trap without words. This gives it words.

use std::sync::atomic::{AtomicU32, Ordering};

static RECORD: AtomicU32 = AtomicU32::new(u32::MAX);

/// Notes the index of the record in hand.
pub fn set_record(index: u32) {
    RECORD.store(index, Ordering::Relaxed);
}

/// Reports a panic's record and message through `report`. Once an instance.
pub fn install(report: fn(u32, &str)) {
    std::panic::set_hook(Box::new(move |info| {
        report(RECORD.load(Ordering::Relaxed), &info.to_string());
    }));
}
