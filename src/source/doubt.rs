//! Whether new content of a file may be served now, or may be half written.
//!
//! Half a YAML file and half a list are most often valid. This module decides from what is known
//! of the writer, how long the content has been the same, and what the content would lose.

use crate::flag::Digest;
use std::time::{Duration, Instant};

/// Content must stay the same this long if its writer is not known to be done.
pub(super) const HALF_WRITTEN: Duration = Duration::from_millis(200);

/// A writer that has the file open is waited for this long.
pub(super) const OPEN: Duration = Duration::from_secs(5);

/// Content that lost more than a quarter must stay the same this long.
const LARGE_LOSS: Duration = Duration::from_secs(5);

/// Content that lost something must stay the same this long if no event shows its writer.
const SMALL_LOSS: Duration = Duration::from_secs(2);

/// As `SMALL_LOSS`, if another file took the place: most often it was renamed, and is whole.
const REPLACED: Duration = Duration::from_secs(1);

/// What is known of the writer of new content, from certain to doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Writer {
    /// Renamed or swapped into place, or closed by its writer.
    Done,
    /// Another file is in its place, which may have been renamed or may be new.
    Replaced,
    /// No event says anything, as when the poll noticed the change.
    Unknown,
    /// Written to, and not closed since.
    Open,
}

/// How much of what is served the new content does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Loss {
    None,
    Small,
    /// More than a quarter.
    Large,
}

impl Loss {
    pub(super) fn of(lost: usize, all: usize) -> Self {
        match lost {
            0 => Self::None,
            _ if lost.saturating_mul(4) > all => Self::Large,
            _ => Self::Small,
        }
    }
}

/// New content that is not in force yet.
#[derive(Debug)]
pub(super) struct Doubt {
    digest: Digest,
    /// When the file began to differ from what is in force.
    differs_since: Instant,
    /// When this content was first seen.
    unchanged_since: Instant,
}

impl Doubt {
    /// What is doubted at this scan, given what was doubted at the last.
    pub(super) fn of(before: Option<Self>, digest: Digest, now: Instant) -> Self {
        match before {
            Some(doubt) if doubt.digest == digest => doubt,
            Some(doubt) => Self { digest, unchanged_since: now, ..doubt },
            None => Self { digest, differs_since: now, unchanged_since: now },
        }
    }

    pub(super) fn evidence(&self, writer: Writer, now: Instant) -> Evidence {
        let (differs_for, unchanged_for) = (now - self.differs_since, now - self.unchanged_since);
        Evidence { writer, differs_for, unchanged_for }
    }
}

/// What is known of new content.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence {
    pub(super) writer: Writer,
    /// How long the file has differed from what is in force.
    pub(super) differs_for: Duration,
    /// How long the content has been this one.
    pub(super) unchanged_for: Duration,
}

/// What to do with new content; a duration is the time until the next decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Serve,
    /// Look again; most likely the writer is busy.
    Wait(Duration),
    /// Keep the last good content and log that the new one lost too much.
    Hold(Duration),
}

impl Evidence {
    /// The time to wait before the content is worth compiling, if any. A file or a list without
    /// content is most likely about to be written, whatever is known of its writer.
    pub(super) fn still_written(&self, has_blank: bool, can_be_half: bool) -> Option<Duration> {
        let quiet = HALF_WRITTEN.saturating_sub(self.unchanged_for);
        let left = match self.writer {
            Writer::Open if can_be_half => OPEN.saturating_sub(self.differs_for),
            Writer::Replaced | Writer::Unknown if can_be_half => {
                quiet.min(OPEN.saturating_sub(self.differs_for))
            }
            _ => Duration::ZERO,
        };
        let left = if has_blank { left.max(quiet) } else { left };
        (!left.is_zero()).then_some(left)
    }

    /// The verdict on content that compiles and that is not written to at the moment, as far as
    /// is known.
    pub(super) fn judge(&self, loss: Loss) -> Verdict {
        let needed = match (self.writer, loss) {
            (Writer::Done, _) | (_, Loss::None) => Duration::ZERO,
            (Writer::Open, Loss::Small) => Duration::ZERO,
            (Writer::Replaced, _) => REPLACED,
            (Writer::Unknown, Loss::Small) => SMALL_LOSS,
            (Writer::Unknown | Writer::Open, Loss::Large) => LARGE_LOSS,
        };
        // The wait for an open writer proves nothing, so it does not count.
        let unchanged_for = match self.writer {
            Writer::Open => self.unchanged_for.min(self.differs_for.saturating_sub(OPEN)),
            _ => self.unchanged_for,
        };
        let left = needed.saturating_sub(unchanged_for);
        match (left.is_zero(), loss) {
            (true, _) => Verdict::Serve,
            (false, Loss::Large) if self.writer != Writer::Replaced => Verdict::Hold(left),
            (false, _) => Verdict::Wait(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// The verdict after the file has differed and the content been the same for so many
    /// milliseconds.
    fn verdict(writer: Writer, differs: u64, unchanged: u64, loss: Loss) -> Verdict {
        let evidence = Evidence { writer, differs_for: MS(differs), unchanged_for: MS(unchanged) };
        evidence.still_written(false, true).map_or_else(|| evidence.judge(loss), Verdict::Wait)
    }

    #[test]
    fn what_is_complete_by_construction_is_served_at_once() {
        for loss in [Loss::None, Loss::Small, Loss::Large] {
            assert_eq!(verdict(Writer::Done, 0, 0, loss), Verdict::Serve);
        }
    }

    #[test]
    fn a_writer_that_has_the_file_open_is_waited_for() {
        use Loss::*;
        for (differs, unchanged, loss, expected) in [
            (0, 0, None, Verdict::Wait(MS(5000))),
            (4999, 4999, Large, Verdict::Wait(MS(1))),
            (5000, 0, None, Verdict::Serve),
            (5000, 0, Small, Verdict::Serve),
            (5000, 5000, Large, Verdict::Hold(MS(5000))),
            (9000, 1000, Large, Verdict::Hold(MS(4000))),
            (10_000, 10_000, Large, Verdict::Serve),
            (60_000, 4999, Large, Verdict::Hold(MS(1))),
        ] {
            let found = verdict(Writer::Open, differs, unchanged, loss);
            assert_eq!(found, expected, "{differs} {unchanged} {loss:?}");
        }
    }

    #[test]
    fn without_events_content_must_stay_the_same() {
        use Loss::*;
        for (differs, unchanged, loss, expected) in [
            (0, 0, None, Verdict::Wait(MS(200))),
            (4900, 10, Large, Verdict::Wait(MS(100))),
            (5000, 10, None, Verdict::Serve),
            (200, 200, None, Verdict::Serve),
            (200, 200, Small, Verdict::Wait(MS(1800))),
            (2000, 2000, Small, Verdict::Serve),
            (200, 200, Large, Verdict::Hold(MS(4800))),
            (9000, 4999, Large, Verdict::Hold(MS(1))),
            (5000, 5000, Large, Verdict::Serve),
        ] {
            let found = verdict(Writer::Unknown, differs, unchanged, loss);
            assert_eq!(found, expected, "{differs} {unchanged} {loss:?}");
        }
        assert_eq!(verdict(Writer::Replaced, 200, 200, None), Verdict::Serve);
        assert_eq!(verdict(Writer::Replaced, 200, 200, Large), Verdict::Wait(MS(800)));
        assert_eq!(verdict(Writer::Replaced, 1000, 1000, Large), Verdict::Serve);
    }

    #[test]
    fn empty_content_must_stay_empty_whatever_is_known() {
        let left = |writer, unchanged_for, can_be_half| {
            let unchanged_for = MS(unchanged_for);
            let evidence = Evidence { writer, differs_for: unchanged_for, unchanged_for };
            evidence.still_written(true, can_be_half)
        };
        for can_be_half in [true, false] {
            assert_eq!(left(Writer::Done, 0, can_be_half), Some(MS(200)));
            assert_eq!(left(Writer::Done, 200, can_be_half), None);
        }
        assert_eq!(left(Writer::Open, 200, true), Some(MS(4800)));
        assert_eq!(left(Writer::Open, 200, false), None);
    }

    #[test]
    fn content_that_changes_again_is_as_old_as_the_first_difference() {
        let start = Instant::now();
        let doubt = Doubt::of(None, [1; 32], start);
        let doubt = Doubt::of(Some(doubt), [1; 32], start + MS(10));
        let doubt = Doubt::of(Some(doubt), [2; 32], start + MS(20));
        let evidence = doubt.evidence(Writer::Open, start + MS(50));
        assert_eq!((evidence.differs_for, evidence.unchanged_for), (MS(50), MS(30)));
    }

    #[test]
    fn more_than_a_quarter_is_a_large_loss() {
        for (lost, all, expected) in [
            (0, 0, Loss::None),
            (0, 9, Loss::None),
            (1, 4, Loss::Small),
            (2, 7, Loss::Large),
            (1, 1, Loss::Large),
            (500, 2000, Loss::Small),
            (501, 2000, Loss::Large),
        ] {
            assert_eq!(Loss::of(lost, all), expected, "{lost} of {all}");
        }
    }

    /// A stable content is served after ten seconds, whatever is known of it.
    #[test]
    fn no_stable_content_waits_for_ever() {
        for writer in [Writer::Done, Writer::Replaced, Writer::Unknown, Writer::Open] {
            for loss in [Loss::None, Loss::Small, Loss::Large] {
                assert_eq!(verdict(writer, 10_000, 10_000, loss), Verdict::Serve, "{writer:?}");
            }
        }
    }
}
