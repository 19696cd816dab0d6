//! Keeps a log line that requests can cause from becoming a flood.

use std::{
    sync::OnceLock,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

/// Permits something once in a while.
#[derive(Debug, Default)]
pub(crate) struct RateLimit {
    /// Seconds of the process's life, plus one, when it was last permitted.
    last: AtomicU64,
}

impl RateLimit {
    /// Whether the last permission is at least so many seconds ago.
    pub(crate) fn permits(&self, seconds: u64) -> bool {
        static START: OnceLock<Instant> = OnceLock::new();
        let now = START.get_or_init(Instant::now).elapsed().as_secs() + 1;
        let last = self.last.load(Ordering::Relaxed);
        let due = last == 0 || now >= last + seconds;
        due && self.last.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_the_first_and_not_the_next() {
        let limit = RateLimit::default();
        assert!(limit.permits(60));
        assert!(!limit.permits(60));
        assert!(limit.permits(0));
    }
}
