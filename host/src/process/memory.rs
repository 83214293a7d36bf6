//! The heap's free memory.

#[cfg(target_env = "gnu")]
use std::{ffi::c_int, thread::Builder};

#[cfg(target_env = "gnu")]
unsafe extern "C" {
    fn malloc_trim(pad: usize) -> c_int;
}

/// Gives the free pages of the heap back to the kernel, on a thread of its own. The C
/// library does so by itself only at the heap's end. Allocations of other threads may wait
/// for some milliseconds meanwhile.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: it may be called at any time, from any thread.
        let trim = || unsafe { malloc_trim(0) };
        // Without a thread, the memory stays with the process.
        let _ = Builder::new().name("trim".into()).spawn(trim);
    }
}
