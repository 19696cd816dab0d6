//! What the events say about the writers of files.

use super::super::chain::Chain;
use crate::source::watch::debounce::PathChange;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Open files that are remembered at most before they are followed. Only a list is followed late.
const MAX_OTHERS: usize = 1024;

/// Writers that have a file open, and files that are complete or closed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Writes {
    /// Written to, and not closed since.
    open: BTreeMap<PathBuf, LastEvent>,
    /// Closed since the last scan by a program that may have written to the file.
    closed: BTreeMap<PathBuf, Closing>,
    /// Renamed into place since the last scan.
    complete: BTreeSet<PathBuf>,
    /// No scan came before, and each writer of now will be heard of.
    pub(super) is_first: bool,
}

/// The last event of a file that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastEvent {
    Write,
    /// Another program may have the file open too.
    Other,
}

/// How a file was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    /// Right after a write, as by its writer.
    AfterWrite,
    /// As `AfterWrite`, and not for the first time since the last scan.
    Again,
    /// After something else, as by `touch`: a writer may still have the file open.
    AfterOther,
}

impl Writes {
    pub(super) fn first() -> Self {
        Self { is_first: true, ..Self::default() }
    }

    pub(super) fn note(&mut self, change: PathChange, path: &Path) {
        match change {
            PathChange::Renamed => {
                self.open.remove(path);
                self.closed.remove(path);
                self.complete.insert(path.to_path_buf());
            }
            PathChange::Written => {
                self.complete.remove(path);
                self.open.insert(path.to_path_buf(), LastEvent::Write);
            }
            PathChange::Closed => {
                let closing = match (self.open.remove(path), self.closed.get(path)) {
                    (Some(LastEvent::Write), Some(Closing::AfterWrite | Closing::Again)) => {
                        Closing::Again
                    }
                    (Some(LastEvent::Write), _) => Closing::AfterWrite,
                    (Some(LastEvent::Other) | None, _) => Closing::AfterOther,
                };
                self.closed.insert(path.to_path_buf(), closing);
            }
            PathChange::Gone => {
                self.open.remove(path);
                self.closed.remove(path);
            }
            PathChange::Touched | PathChange::Opened => self.note_other_event(path),
            // A hard link is created without a writer.
            PathChange::Created => {}
        }
    }

    /// As [`Writes::note`], of a file that is not followed. A list is not until the flag file that
    /// names it was read, and its writer may have begun before.
    pub(super) fn note_other(&mut self, change: PathChange, path: &Path) {
        match change {
            PathChange::Written if self.open.len() >= MAX_OTHERS => {}
            PathChange::Written => _ = self.open.insert(path.to_path_buf(), LastEvent::Write),
            PathChange::Renamed | PathChange::Closed | PathChange::Gone => {
                _ = self.open.remove(path);
            }
            PathChange::Touched | PathChange::Opened => self.note_other_event(path),
            PathChange::Created => {}
        }
    }

    fn note_other_event(&mut self, path: &Path) {
        if let Some(last) = self.open.get_mut(path) {
            *last = LastEvent::Other;
        }
    }

    /// Events were lost, so no writer is known any more.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// What a scan that begins now may rely on. Open files stay known until they are closed.
    pub(super) fn begin_scan(&mut self) -> Self {
        let kept = Self { open: self.open.clone(), ..Self::default() };
        std::mem::replace(self, kept)
    }

    /// The same, with the open files of `now`.
    pub(super) fn with_open_of(&self, now: &Self) -> Self {
        Self { open: now.open.clone(), ..self.clone() }
    }

    /// Whether a file, by its physical path, is written to and not closed.
    pub(crate) fn is_open(&self, file: &Path) -> bool {
        self.open.contains_key(file)
    }

    /// How a file, by its physical path, was closed since the last scan, if it was.
    pub(crate) fn closing(&self, file: &Path) -> Option<Closing> {
        self.closed.get(file).filter(|_| !self.is_open(file)).copied()
    }

    /// Whether something on the way to the file is known to have been completed.
    pub(crate) fn is_complete(&self, chain: &Chain) -> bool {
        self.is_first || self.complete.iter().any(|path| chain.concerns(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn each_file_is_judged_by_its_own_writer() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir(root.join("..1")).unwrap();
        fs::write(root.join("..1/a.yaml"), "").unwrap();
        fs::write(root.join("b.yaml"), "").unwrap();
        symlink("..1", root.join("..data")).unwrap();
        symlink("..data/a.yaml", root.join("a.yaml")).unwrap();
        let chain = |name: &str| Chain::of(&[root.join(name)]);
        let (a, b) = (chain("a.yaml"), chain("b.yaml"));
        let file = root.join("b.yaml");

        let mut writes = Writes::default();
        writes.note(PathChange::Created, &file);
        assert!(!writes.is_open(&file), "a link has no writer");
        writes.note(PathChange::Written, &file);
        writes.note(PathChange::Renamed, &root.join("..data"));
        let scan = writes.begin_scan();
        assert!(scan.is_complete(&a) && !scan.is_complete(&b));
        assert!(scan.is_open(&file));
        // Open until it is closed, complete for one scan.
        let scan = writes.begin_scan();
        assert!(scan.is_open(&file) && !scan.is_complete(&a));
        writes.note(PathChange::Renamed, &file);
        let scan = writes.begin_scan();
        assert!(!scan.is_open(&file) && scan.is_complete(&b));
        // Complete, and then written to again.
        writes.note(PathChange::Renamed, &file);
        writes.note(PathChange::Written, &file);
        let scan = writes.begin_scan();
        assert!(scan.is_open(&file) && !scan.is_complete(&b));
        writes.note(PathChange::Gone, &file);
        assert!(!writes.begin_scan().is_open(&file));
        writes.note(PathChange::Written, &file);
        writes.forget();
        assert!(!writes.begin_scan().is_open(&file));
    }

    #[test]
    fn a_close_counts_as_the_writer_s_only_right_after_a_write() {
        use PathChange::{Closed, Opened, Touched, Written};
        let file = Path::new("/a.yaml");
        for (events, closing) in [
            (&[Written, Opened, Written, Closed][..], Closing::AfterWrite),
            (&[Opened, Written, Closed], Closing::AfterWrite),
            // As `touch` and `open("r+").close()` beside a writer.
            (&[Written, Opened, Touched, Closed], Closing::AfterOther),
            (&[Written, Opened, Closed], Closing::AfterOther),
            (&[Written, Opened, Closed, Opened, Closed], Closing::AfterOther),
            (&[Opened, Touched, Closed], Closing::AfterOther),
            (&[Written, Opened, Closed, Written, Closed], Closing::AfterWrite),
            // As `> f; cat part >> f`.
            (&[Written, Closed, Opened, Written, Closed], Closing::Again),
            (&[Written, Closed, Written, Closed, Written, Closed], Closing::Again),
            (&[Written, Closed, Opened, Closed], Closing::AfterOther),
        ] {
            let mut writes = Writes::default();
            for &event in events {
                writes.note(event, file);
            }
            assert_eq!(writes.begin_scan().closing(file), Some(closing), "{events:?}");
            assert_eq!(writes.begin_scan().closing(file), None, "reported once");
        }
    }
}
