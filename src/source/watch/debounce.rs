//! How long to wait after a file event before the files are worth reading.
//!
//! The kind of an event decides only this wait, never whether anything has changed.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use notify::{
    EventKind,
    event::{AccessKind, AccessMode, ModifyKind, RenameMode},
};
use tokio::time::Instant;

/// A writer that pauses this long has most likely finished.
const QUIET: Duration = Duration::from_millis(10);

/// The longest a change waits, however busy its file is.
const LONGEST: Duration = Duration::from_millis(200);

/// What an event says about the content under its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathChange {
    /// Renamed into place, and so complete.
    Renamed,
    /// Closed by a program that may have written to it.
    Closed,
    /// New, and its first bytes usually follow.
    Created,
    /// Written to, and its writer may not be done.
    Written,
    /// Renamed away or removed: a writer that still has it open writes to no flag file.
    Gone,
    /// Otherwise touched: nothing here can be half written, but more usually follows.
    Touched,
    /// Opened, most likely to be read. It does not call for a scan: this process reads as well.
    Opened,
}

impl PathChange {
    /// `None` for what only a reader causes.
    pub(super) fn of(kind: EventKind) -> Option<Self> {
        match kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => Some(Self::Closed),
            EventKind::Access(AccessKind::Open(_)) => Some(Self::Opened),
            EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both)) => {
                Some(Self::Renamed)
            }
            EventKind::Access(_) => None,
            EventKind::Create(_) => Some(Self::Created),
            EventKind::Modify(ModifyKind::Data(_)) => Some(Self::Written),
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From)) => {
                Some(Self::Gone)
            }
            _ => Some(Self::Touched),
        }
    }
}

/// Changes seen since the last look.
#[derive(Debug)]
pub(super) struct Unsettled {
    /// When the first of them came.
    since: Instant,
    /// One is complete, so the look need not wait for what is merely gone or touched: the
    /// kubelet removes the old files right after it has swapped in the new ones.
    any_whole: bool,
    /// When nothing more is expected to follow what was touched.
    quiet: Instant,
    /// The paths that may be half written, and how long each is given.
    unfinished: BTreeMap<PathBuf, Instant>,
}

impl Unsettled {
    /// Something has changed, and nothing is known that would be worth waiting for.
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, any_whole: false, quiet: now, unfinished: BTreeMap::new() }
    }

    /// Takes one more change into account.
    pub(super) fn note(&mut self, change: PathChange, path: &Path, now: Instant) {
        match change {
            PathChange::Renamed | PathChange::Closed => {
                self.any_whole = true;
                self.unfinished.remove(path);
            }
            PathChange::Created | PathChange::Written => {
                self.unfinished.insert(path.to_path_buf(), now + QUIET);
            }
            PathChange::Gone | PathChange::Touched => self.quiet = now + QUIET,
            PathChange::Opened => {}
        }
    }

    /// When the files are worth reading; a time already past means at once.
    pub(super) fn due(&self) -> Instant {
        let due = match self.unfinished.values().max() {
            Some(&last) => last,
            None if self.any_whole => self.since,
            None => self.quiet,
        };
        due.min(self.since + LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, MetadataKind, RemoveKind};

    use super::{PathChange::*, *};

    /// Events as (milliseconds, change, path), and the wait in milliseconds from the first.
    #[track_caller]
    fn check(events: &[(u64, PathChange, &str)], expected: u64) {
        let start = Instant::now();
        let mut unsettled = Unsettled::new(start + Duration::from_millis(events[0].0));
        for &(at, change, path) in events {
            unsettled.note(change, Path::new(path), start + Duration::from_millis(at));
        }
        assert_eq!((unsettled.due() - start).as_millis(), u128::from(expected), "{events:?}");
    }

    #[test]
    fn what_is_whole_is_read_at_once() {
        check(&[(0, Renamed, "..data")], 0);
        check(&[(0, Created, "a.json"), (1, Written, "a.json"), (2, Closed, "a.json")], 0);
        check(&[(0, Created, "a.yaml"), (1, Written, "a.yaml"), (2, Closed, "a.yaml")], 0);
        check(&[(0, Renamed, "..data"), (1, Gone, "..2026_1/a.json")], 0);
        check(&[(0, Touched, "a.json"), (1, Closed, "b.json")], 0);
    }

    #[test]
    fn a_half_written_file_waits_for_quiet() {
        check(&[(0, Touched, "a.json")], 10);
        check(&[(0, Gone, "a.json")], 10);
        check(&[(0, Touched, "a.json"), (8, Touched, "b.json")], 18);
        check(&[(0, Touched, "a.json"), (8, Created, "a.json")], 18);
        check(&[(0, Written, "a.json"), (7, Written, "a.json")], 17);
        let busy: Vec<_> = (0..50).map(|i| (i * 5, Written, "a.json")).collect();
        check(&busy, 200);
        let busy: Vec<_> = (0..50).map(|i| (i * 5, Touched, "a.json")).collect();
        check(&busy, 200);
    }

    #[test]
    fn one_file_complete_does_not_end_the_wait_for_another() {
        check(&[(0, Written, "a.yaml"), (1, Closed, "b.json")], 10);
        check(&[(0, Closed, "b.json"), (3, Written, "a.json")], 13);
        check(&[(0, Written, "a.yaml"), (1, Closed, "b.json"), (2, Closed, "a.yaml")], 0);
    }

    #[test]
    fn closing_after_a_read_is_not_a_change() {
        let open = AccessKind::Open(AccessMode::Any);
        let name = |mode| EventKind::Modify(ModifyKind::Name(mode));
        for (kind, expected) in [
            (EventKind::Access(open), Some(Opened)),
            (EventKind::Access(AccessKind::Close(AccessMode::Read)), None),
            (EventKind::Access(AccessKind::Close(AccessMode::Write)), Some(Closed)),
            (name(RenameMode::To), Some(Renamed)),
            (name(RenameMode::From), Some(Gone)),
            (EventKind::Modify(ModifyKind::Data(DataChange::Any)), Some(Written)),
            (EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)), Some(Touched)),
            (EventKind::Create(CreateKind::File), Some(Created)),
            (EventKind::Remove(RemoveKind::Folder), Some(Gone)),
            (EventKind::Other, Some(Touched)),
        ] {
            assert_eq!(PathChange::of(kind), expected, "{kind:?}");
        }
    }
}
