//! An allocator that makes counts independent of the heap's state.
//!
//! How many instructions a copy takes depends on where its target begins, and a buffer grows in
//! place or not as its neighbours happen to be. Threads make both differ from run to run, by up to
//! 2%. So in the process that is counted, large buffers begin at whole cache lines, and never grow
//! in place. Elsewhere, this is the system's allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

/// Smaller allocations are left as they are.
const LARGE: usize = 1024;
const LINE: usize = 64;

static ALIGNS: AtomicBool = AtomicBool::new(false);

/// From now on, large buffers are aligned.
pub fn begin() {
    ALIGNS.store(true, Ordering::Relaxed);
}

/// The system's allocator, which aligns after [`begin`].
pub struct Aligned;

fn aligned(layout: Layout) -> Layout {
    if layout.size() < LARGE || !ALIGNS.load(Ordering::Relaxed) {
        return layout;
    }
    layout.align_to(LINE).unwrap_or(layout)
}

// SAFETY: every block is one of the system's allocator, which frees blocks of any alignment by the
// same call; the alignment is never less than what was asked for.
unsafe impl GlobalAlloc for Aligned {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the size is the caller's, who keeps the contract.
        unsafe { System.alloc(aligned(layout)) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(aligned(layout)) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is the system's; its alignment does not matter there.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let new = Layout::from_size_align(size, layout.align());
        let new = new.map(aligned).unwrap_or(layout);
        if new.align() < LINE {
            // SAFETY: the caller keeps the contract.
            return unsafe { System.realloc(block, layout, size) };
        }
        // SAFETY: the new block has room for what is copied from the old one, which is freed once.
        unsafe {
            let moved = System.alloc(new);
            if !moved.is_null() {
                block.copy_to_nonoverlapping(moved, layout.size().min(size));
                System.dealloc(block, layout);
            }
            moved
        }
    }
}
