//! How often file events may start a scan.
//!
//! The first scans after a quiet time are immediate. While events go on that change nothing, one
//! scan in 50 ms is enough.

use std::time::{Duration, Instant};

/// The time between two scans while events go on.
const INTERVAL: Duration = Duration::from_millis(50);

/// So many scans are immediate after a quiet time: one change is several events.
const BURST: u32 = 16;

/// Decides when the next scan may begin.
#[derive(Debug)]
pub(super) struct Pace {
    /// When every scan so far is paid for, at one in an interval.
    paid: Instant,
    /// When scans have taken no more than half of the time.
    rested: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { paid: now, rested: now }
    }

    /// The earliest time of the next scan that an event starts.
    pub(super) fn due(&self) -> Instant {
        let paid = self.paid.checked_sub(INTERVAL * BURST).unwrap_or(self.paid);
        paid.max(self.rested)
    }

    /// A scan has ended. One that found something new pays for one that did not: a change is several
    /// events.
    pub(super) fn scanned(&mut self, start: Instant, end: Instant, found_news: bool) {
        self.paid = match found_news {
            true => self.paid.checked_sub(INTERVAL).unwrap_or(start).max(start),
            false => self.paid.max(start) + INTERVAL,
        };
        self.rested = end + (end - start).min(INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scans as often as allowed for a time, each taking `took`; returns when each began.
    fn storm(total: Duration, took: Duration, found_news: bool) -> Vec<Duration> {
        let start = Instant::now();
        let (mut pace, mut now, mut scans) = (Pace::new(start), start, Vec::new());
        while now - start < total {
            scans.push(now - start);
            pace.scanned(now, now + took, found_news);
            // An event in each millisecond.
            now = pace.due().max(now + took).max(now + Duration::from_millis(1));
        }
        scans
    }

    #[test]
    fn a_storm_of_events_without_news_is_one_scan_in_an_interval() {
        let scans = storm(Duration::from_secs(10), Duration::from_millis(1), false);
        let allowed = 10_000 / 50 + BURST as usize + 2;
        assert!((allowed - 20..=allowed).contains(&scans.len()), "{}", scans.len());
        assert!(scans.windows(2).all(|pair| pair[1] - pair[0] <= INTERVAL), "never longer");
        assert_eq!(scans[0], Duration::ZERO, "the first is immediate");
    }

    #[test]
    fn scans_that_find_news_take_half_of_the_time_at_most() {
        let took = Duration::from_millis(4);
        let scans = storm(Duration::from_secs(1), took, true);
        assert!((120..=126).contains(&scans.len()), "{}", scans.len());
    }

    #[test]
    fn a_change_after_a_quiet_time_is_immediate() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for _ in 0..100 {
            pace.scanned(start, start, false);
        }
        assert!(pace.due() > start + Duration::from_secs(1));
        let later = start + INTERVAL * 100;
        assert!(pace.due() <= later);
        // As updates that follow each other: an event with news, and one without.
        let mut now = later;
        for _ in 0..1000 {
            pace.scanned(now, now + Duration::from_millis(1), true);
            now += Duration::from_millis(2);
            assert!(pace.due() <= now);
            pace.scanned(now, now, false);
            now += Duration::from_millis(2);
        }
    }
}
