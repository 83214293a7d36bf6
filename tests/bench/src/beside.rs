//! Work on another thread while something is measured.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Repeats `work` on another thread for as long as `measure` runs.
pub fn beside<T>(work: impl Fn() + Send, measure: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let flag = &over;
        scope.spawn(move || {
            while !flag.load(Ordering::Relaxed) {
                work();
            }
        });
        let _end = End(flag);
        measure()
    })
}

/// Ends the work, also when the measurement panics.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
