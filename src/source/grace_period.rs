//! What counts only once it has lasted.

use std::time::{Duration, Instant};

/// How long a file must be gone from its directory: editors delete for a moment.
pub(super) const GONE: Duration = Duration::from_secs(1);

/// How long a lease is waited for before it is reported: a file server gives it up when asked.
pub(super) const LEASED: Duration = Duration::from_secs(5);

/// How long a list that is slow to be read delays the other flags of a changed file.
pub(super) const SLOW: Duration = Duration::from_millis(200);

/// How long a file system that does not answer is waited for before it is reported.
pub(super) const UNANSWERED: Duration = Duration::from_secs(30);

/// Something that has been the case since a moment.
#[derive(Debug)]
pub(super) struct Wait<T> {
    what: T,
    since: Instant,
}

impl<T: PartialEq> Wait<T> {
    pub(super) fn what(&self) -> &T {
        &self.what
    }

    /// When it began.
    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// Whether this has been the case long enough; if not, `wait` keeps it, and `again` becomes
    /// the time to look again unless that is earlier.
    pub(super) fn is_over(
        wait: &mut Option<Self>,
        what: T,
        long_enough: Duration,
        now: Instant,
        again: &mut Option<Instant>,
    ) -> bool {
        let since = match wait.take() {
            Some(wait) if wait.what == what => wait.since,
            _ => now,
        };
        let due = since + long_enough;
        *wait = Some(Self { what, since });
        if due <= now {
            return true;
        }
        *again = Some(again.map_or(due, |again| again.min(due)));
        false
    }
}
