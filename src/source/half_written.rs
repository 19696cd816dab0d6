//! Whether new content of a file may be served now, or may be half written.
//!
//! Half a YAML file and half a list are most often valid. This module decides from what is known
//! of the writer, how long the content has been the same, and what the content would lose.

use flagstaff_core::Digest;
use std::time::{Duration, Instant};

/// Content must stay the same this long if its writer is not known to be done.
pub(super) const HALF_WRITTEN: Duration = Duration::from_millis(200);

/// As `HALF_WRITTEN`, if the file is known to have been written to in several steps, or at its end.
const MOVING: Duration = Duration::from_secs(1);

/// A writer that has the file open is waited for this long.
pub(super) const OPEN: Duration = Duration::from_secs(5);

/// Content that lost much must stay the same this long.
const LARGE_LOSS: Duration = Duration::from_secs(5);

/// As `LARGE_LOSS`, if the writer has closed the file. Some writers open it again for each part.
const CLOSED: Duration = Duration::from_secs(1);

/// Content that lost something must stay the same this long if no event shows its writer.
const SMALL_LOSS: Duration = Duration::from_secs(2);

/// As `SMALL_LOSS`, if another file took the place: most often it was renamed, and is whole.
const REPLACED: Duration = Duration::from_secs(1);

/// What is known of the writer of new content, from certain to doubtful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WriterState {
    /// Renamed or swapped into place.
    Done,
    /// Closed right after a write. The writer may open the file again to append to it.
    Closed,
    /// Closed by its writer more than once: it opens the file for each part.
    ClosedAgain,
    /// Closed, but maybe by another program than the one that writes.
    ClosedByAnother,
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
    /// More than a quarter, or that a flag is switched off.
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
    /// The best that was known of the writer of this content: events are reported once.
    writer: WriterState,
    /// When the file began to differ from what is in force.
    differs_since: Instant,
    /// When this content was first seen.
    unchanged_since: Instant,
    /// Another content was seen before this one.
    is_moving: bool,
    /// That other content was closed by its writer.
    is_reopened: bool,
    /// A list was not read yet, so the content differs once the list is read.
    lacks_list: bool,
}

impl Doubt {
    /// What is doubted at this scan, given what was doubted at the last.
    pub(super) fn of(
        before: Option<Self>,
        digest: Digest,
        writer: WriterState,
        now: Instant,
    ) -> Self {
        let Some(before) = before else {
            let (differs_since, unchanged_since) = (now, now);
            let (is_moving, is_reopened, lacks_list) = (false, false, false);
            return Self {
                digest,
                writer,
                differs_since,
                unchanged_since,
                is_moving,
                is_reopened,
                lacks_list,
            };
        };
        if before.digest == digest {
            let is_open = writer == WriterState::Open;
            let writer = if is_open { writer } else { writer.min(before.writer) };
            return Self { writer, ..before };
        }
        if before.lacks_list {
            return Self { digest, writer, unchanged_since: now, ..before };
        }
        let was_closed =
            (WriterState::Closed..=WriterState::ClosedByAnother).contains(&before.writer);
        let is_reopened = before.is_reopened || was_closed;
        Self { digest, writer, unchanged_since: now, is_moving: true, is_reopened, ..before }
    }

    pub(super) fn lacking_list(self, lacks_list: bool) -> Self {
        Self { lacks_list, ..self }
    }

    /// The same once the content was taken, from when its time counts anew: an empty file is taken after
    /// it has been waited for.
    pub(super) fn taken(self, now: Instant) -> Self {
        Self { unchanged_since: now, ..self }
    }

    /// What is left of it after the content was taken, although not all of it can be served. Most
    /// often half a file that ends within a flag is such content, and the next part follows.
    pub(super) fn after_taken(self, now: Instant) -> Option<Self> {
        let is_recent = now - self.unchanged_since < LARGE_LOSS;
        // Events may have been too late to show the close.
        is_recent.then_some(Self {
            differs_since: now,
            is_reopened: true,
            lacks_list: false,
            ..self
        })
    }

    pub(super) fn evidence(&self, is_longer: bool, now: Instant) -> Evidence {
        Evidence {
            writer: self.writer,
            differs_for: now - self.differs_since,
            unchanged_for: now - self.unchanged_since,
            is_moving: self.is_moving || is_longer,
            is_reopened: self.is_reopened,
        }
    }
}

/// What is known of new content.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evidence {
    pub(super) writer: WriterState,
    /// How long the file has differed from what is in force.
    pub(super) differs_for: Duration,
    /// How long the content has been this one.
    pub(super) unchanged_for: Duration,
    /// The file was written to in several steps, or at its end.
    pub(super) is_moving: bool,
    /// The file was closed, and written to again.
    pub(super) is_reopened: bool,
}

/// What to do with new content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Serve,
    /// Scan again after this time; most likely the writer is busy.
    Wait(Duration),
    /// Keep the last good content and log that the new one lost too much.
    Hold {
        left: Duration,
        /// How long the content must be the same in all.
        needed: Duration,
    },
}

impl Evidence {
    /// The time to wait before the content is worth compiling, if any. A file or a list without
    /// content is most likely about to be written, whatever is known of its writer.
    pub(super) fn still_written(&self, has_blank: bool, can_be_half: bool) -> Option<Duration> {
        let quiet = HALF_WRITTEN.saturating_sub(self.unchanged_for);
        let still = if self.is_moving { MOVING } else { HALF_WRITTEN };
        let open = OPEN.saturating_sub(self.differs_for);
        let left = match self.writer {
            WriterState::Open if can_be_half => open,
            WriterState::Replaced | WriterState::Unknown if can_be_half => {
                still.saturating_sub(self.unchanged_for).min(open)
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
            (WriterState::Done, _) | (_, Loss::None) => Duration::ZERO,
            (WriterState::Replaced, _) => REPLACED,
            (WriterState::Unknown, Loss::Small) => SMALL_LOSS,
            (_, Loss::Small) => Duration::ZERO,
            (WriterState::Closed, Loss::Large) if !self.is_reopened => CLOSED,
            (_, Loss::Large) => LARGE_LOSS,
        };
        // The wait for an open writer proves nothing, so it does not count.
        let unchanged_for = match self.writer {
            WriterState::Open => self.unchanged_for.min(self.differs_for.saturating_sub(OPEN)),
            _ => self.unchanged_for,
        };
        let left = needed.saturating_sub(unchanged_for);
        match (left.is_zero(), loss) {
            (true, _) => Verdict::Serve,
            (false, Loss::Large) if self.writer != WriterState::Replaced => {
                Verdict::Hold { left, needed }
            }
            (false, _) => Verdict::Wait(left),
        }
    }
}

#[cfg(test)]
mod tests;
