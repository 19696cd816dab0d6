//! The wall clock: what it says, and waiting until it leaves a stretch of time.

use humantime::{format_rfc3339_millis, format_rfc3339_seconds};
use std::{
    future::pending,
    ops::Range,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::time::sleep;

/// The clock is read this often while there is something to wait for: it may be set, and the
/// machine suspended, and a sleep does not notice.
const STEP: Duration = Duration::from_millis(500);

/// Unix seconds, the time of an evaluation.
pub(crate) fn now() -> i64 {
    seconds(SystemTime::now())
}

/// The Unix second that a moment lies in; before 1970 it is negative.
pub(crate) fn seconds(at: SystemTime) -> i64 {
    match at.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => {
            let before = before.duration();
            let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            -whole - i64::from(before.subsec_nanos() > 0)
        }
    }
}

/// A moment as files, logs and `/status` write it, in UTC, to the second or the millisecond. A
/// clock may stand anywhere; years that RFC 3339 cannot write become the nearest that it can.
pub(crate) fn rfc3339(at: SystemTime, is_whole_second: bool) -> String {
    /// The last second of the year 9999.
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let at = at.clamp(UNIX_EPOCH, UNIX_EPOCH + LAST);
    match is_whole_second {
        true => format_rfc3339_seconds(at).to_string(),
        false => format_rfc3339_millis(at).to_string(),
    }
}

/// A stretch of time in which nothing changes by itself: from a moment on, if it has a beginning,
/// and until before another, if it has an end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeSpan {
    since: Option<SystemTime>,
    until: Option<SystemTime>,
}

impl TimeSpan {
    /// The stretch around now between these moments.
    pub(crate) fn around(now: SystemTime, moments: impl Iterator<Item = SystemTime>) -> Self {
        moments.fold(Self::default(), |span, moment| match moment <= now {
            true => span.within(Self { since: Some(moment), until: None }),
            false => span.within(Self { since: None, until: Some(moment) }),
        })
    }

    /// From one Unix second until before another; the ends of what can be told are no moments.
    pub(crate) fn between(seconds: Range<i64>) -> Self {
        let moment = |seconds: i64| match seconds {
            i64::MIN | i64::MAX => None,
            0.. => UNIX_EPOCH.checked_add(Duration::from_secs(seconds.unsigned_abs())),
            _ => UNIX_EPOCH.checked_sub(Duration::from_secs(seconds.unsigned_abs())),
        };
        Self { since: moment(seconds.start), until: moment(seconds.end) }
    }

    /// What of this lies within another as well.
    pub(crate) fn within(self, other: Self) -> Self {
        let until = [self.until, other.until].into_iter().flatten().min();
        Self { since: self.since.max(other.since), until }
    }

    pub(crate) fn contains(&self, at: SystemTime) -> bool {
        self.since.is_none_or(|since| since <= at) && self.until.is_none_or(|until| at < until)
    }

    /// Resolves when the clock stands outside of it, for whatever reason.
    pub(crate) async fn left(&self) {
        loop {
            let now = SystemTime::now();
            match (self.contains(now), self) {
                (false, _) => return,
                (true, Self { since: None, until: None }) => pending().await,
                (true, _) => {
                    let left = self.until.and_then(|until| until.duration_since(now).ok());
                    sleep(left.map_or(STEP, |left| left.min(STEP))).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn it_begins_at_a_moment_and_ends_before_the_next() {
        let moments = || [30, 10, 20].into_iter().map(at);
        let span = TimeSpan::around(at(10), moments());
        assert_eq!(span, TimeSpan::between(10..20));
        assert_eq!(
            [9, 10, 19, 20].map(|second| span.contains(at(second))),
            [false, true, true, false]
        );
        assert_eq!(TimeSpan::around(at(9), moments()), TimeSpan::between(i64::MIN..10));
        assert_eq!(TimeSpan::around(at(30), moments()), TimeSpan::between(30..i64::MAX));
        assert_eq!(span.within(TimeSpan::between(5..15)), TimeSpan::between(10..15));
        assert_eq!(span.within(TimeSpan::default()), span);
        assert_eq!(seconds(at(10) + Duration::from_millis(999)), 10);
    }

    #[test]
    fn a_clock_may_stand_anywhere() {
        let before = UNIX_EPOCH - Duration::from_millis(1500);
        let after = at(253_402_300_800 + 86_400 * 366);
        assert_eq!([before, UNIX_EPOCH, after].map(seconds), [-2, 0, 253_433_923_200]);
        for (moment, expected) in [
            (before, "1970-01-01T00:00:00Z"),
            (at(1_795_345_200), "2026-11-22T11:00:00Z"),
            (after, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(rfc3339(moment, true), expected);
        }
        assert_eq!(rfc3339(after, false), "9999-12-31T23:59:59.000Z");
        let span = TimeSpan::between(-10..-2);
        assert!(span.contains(UNIX_EPOCH - Duration::from_secs(3)));
        assert!(!span.contains(UNIX_EPOCH - Duration::from_secs(2)) && !span.contains(UNIX_EPOCH));
    }

    #[tokio::test]
    async fn it_is_left_on_time_and_when_the_clock_stands_elsewhere() {
        let now = SystemTime::now();
        let end = now + Duration::from_millis(50);
        TimeSpan { since: Some(now), until: Some(end) }.left().await;
        assert!(SystemTime::now() >= end);
        // As after the clock was put back.
        let ahead = TimeSpan { since: Some(end + Duration::from_secs(3600)), until: None };
        tokio::time::timeout(Duration::from_secs(5), ahead.left()).await.expect("at once");
    }
}
