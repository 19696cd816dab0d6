//! An allocator that counts the bytes in use.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static BASE: AtomicUsize = AtomicUsize::new(0);

/// Counts the bytes that were requested and not given back.
pub(crate) struct Counting;

#[expect(
    unsafe_code,
    reason = "an allocator is an unsafe trait; this one only counts and delegates"
)]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size);
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(memory, layout, size) }
    }
}

fn add(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(live, Relaxed);
}

/// The bytes in use.
pub(crate) fn live() -> usize {
    LIVE.load(Relaxed)
}

/// Lets the peak start from here.
pub(crate) fn reset_peak() {
    BASE.store(live(), Relaxed);
    PEAK.store(live(), Relaxed);
}

/// The most bytes that were in use since the peak was reset, beyond those in use then.
pub(crate) fn peak_since_reset() -> usize {
    PEAK.load(Relaxed) - BASE.load(Relaxed)
}
