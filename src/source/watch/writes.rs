//! What the events say about the writers of files.

use super::{super::chain::Chain, settle::Change};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Open files that are remembered at most before they are followed. Only a list is followed late.
const MAX_OTHERS: usize = 1024;

/// Writers that have a file open, and files that are complete.
#[derive(Debug, Clone, Default)]
pub(crate) struct Writes {
    /// Written to, and not closed since.
    open: BTreeSet<PathBuf>,
    /// Renamed into place or closed by a writer since the last scan.
    complete: BTreeSet<PathBuf>,
    /// No scan came before, and each writer of now will be heard of.
    pub(super) is_first: bool,
}

impl Writes {
    pub(super) fn first() -> Self {
        Self { is_first: true, ..Self::default() }
    }

    pub(super) fn note(&mut self, change: Change, path: &Path) {
        match change {
            Change::Whole => {
                self.open.remove(path);
                self.complete.insert(path.to_path_buf());
            }
            Change::Written => {
                self.complete.remove(path);
                self.open.insert(path.to_path_buf());
            }
            Change::Gone => _ = self.open.remove(path),
            // A hard link is created without a writer.
            Change::Created | Change::Touched => {}
        }
    }

    /// As [`Writes::note`], of a file that is not followed. A list is not until the flag file that
    /// names it was read, and its writer may have begun before.
    pub(super) fn note_other(&mut self, change: Change, path: &Path) {
        match change {
            Change::Written if self.open.len() >= MAX_OTHERS => {}
            Change::Written => _ = self.open.insert(path.to_path_buf()),
            Change::Whole | Change::Gone => _ = self.open.remove(path),
            Change::Created | Change::Touched => {}
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

    /// Whether a file, by its physical path, is written to and not closed.
    pub(crate) fn is_open(&self, file: &Path) -> bool {
        self.open.contains(file)
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
        writes.note(Change::Created, &file);
        assert!(!writes.is_open(&file), "a link has no writer");
        writes.note(Change::Written, &file);
        writes.note(Change::Whole, &root.join("..data"));
        let scan = writes.begin_scan();
        assert!(scan.is_complete(&a) && !scan.is_complete(&b));
        assert!(scan.is_open(&file));
        // Open until it is closed, complete for one scan.
        let scan = writes.begin_scan();
        assert!(scan.is_open(&file) && !scan.is_complete(&a));
        writes.note(Change::Whole, &file);
        let scan = writes.begin_scan();
        assert!(!scan.is_open(&file) && scan.is_complete(&b));
        // Complete, and then written to again.
        writes.note(Change::Whole, &file);
        writes.note(Change::Written, &file);
        let scan = writes.begin_scan();
        assert!(scan.is_open(&file) && !scan.is_complete(&b));
        writes.note(Change::Gone, &file);
        assert!(!writes.begin_scan().is_open(&file));
        writes.note(Change::Written, &file);
        writes.forget();
        assert!(!writes.begin_scan().is_open(&file));
    }
}
