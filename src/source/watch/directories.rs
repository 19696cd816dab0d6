//! The directories the kernel reports on, kept equal to a set that changes.
//!
//! Every directory is added again at every look. Adding is idempotent for the same directory and
//! right for another one under the same name, and it restores what notify drops on its own when
//! a directory is renamed or deleted. Nothing has to be known about why it was dropped.

use std::{
    collections::BTreeSet,
    io::ErrorKind::{NotADirectory, NotFound},
    path::{Path, PathBuf},
};

use notify::{Config, ErrorKind, EventHandler, RecommendedWatcher, RecursiveMode, Watcher as _};

/// Why a change may go unseen until the next poll.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchRefusal {
    /// Most often EMFILE: instances are counted per user across the whole node.
    #[error("the kernel grants no inotify instance (see fs.inotify.max_user_instances)")]
    Instance(#[source] notify::Error),
    /// The limit on watches (ENOSPC), or a directory this user may not read.
    #[error("cannot watch the directory {}", .path.display())]
    Directory {
        /// The directory that is not watched.
        path: PathBuf,
        /// What the kernel answered.
        source: notify::Error,
    },
    /// A call that has not returned, as on a mount whose server is gone.
    #[error("a directory on the way to the flag files does not answer: its file system may hang")]
    Unanswered,
}

impl WatchRefusal {
    pub(super) fn is_unanswered(&self) -> bool {
        matches!(self, Self::Unanswered)
    }
}

/// One inotify instance and what it watches. Dropping it ends notify's thread.
#[derive(Debug)]
pub(super) struct Directories {
    watcher: RecommendedWatcher,
    watched: BTreeSet<PathBuf>,
}

impl Directories {
    /// Opens an instance that watches nothing yet.
    pub(super) fn open(on_event: impl EventHandler) -> Result<Self, WatchRefusal> {
        let watcher =
            RecommendedWatcher::new(on_event, Config::default()).map_err(WatchRefusal::Instance)?;
        Ok(Self { watcher, watched: BTreeSet::new() })
    }

    /// Watches these, goes on with others that are `kept`, and ends the rest. Goes through them all
    /// and returns the last refusal.
    pub(super) fn set(
        &mut self,
        wanted: &BTreeSet<&Path>,
        kept: &BTreeSet<&Path>,
    ) -> Result<(), WatchRefusal> {
        self.watched.retain(|path| {
            let keep = wanted.contains(path.as_path()) || kept.contains(path.as_path());
            if !keep {
                // It fails where the directory has gone and took the watch with it.
                self.watcher.unwatch(path).ok();
            }
            keep
        });
        let mut outcome = Ok(());
        for &path in wanted {
            match self.watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => _ = self.watched.insert(path.to_path_buf()),
                // Gone since it was looked up: the directory above it reports its return.
                Err(error) if is_absence(&error.kind) => {}
                Err(source) => {
                    outcome = Err(WatchRefusal::Directory { path: path.to_path_buf(), source });
                }
            }
        }
        outcome
    }
}

fn is_absence(kind: &ErrorKind) -> bool {
    match kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => matches!(error.kind(), NotFound | NotADirectory),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::mpsc};

    use super::*;

    #[test]
    fn a_directory_that_matters_no_more_reports_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let [old, new] = ["old", "new"].map(|name| dir.path().join(name));
        fs::create_dir(&old).unwrap();
        fs::create_dir(&new).unwrap();
        let (sender, events) = mpsc::channel();
        let mut directories = Directories::open(sender).unwrap();
        directories.set(&BTreeSet::from([old.as_path(), &new]), &BTreeSet::new()).unwrap();
        directories
            .set(&BTreeSet::from([new.as_path(), Path::new("/gone")]), &BTreeSet::new())
            .unwrap();
        fs::write(old.join("flags.json"), "").unwrap();
        fs::write(new.join("flags.json"), "").unwrap();
        // The queue keeps the order, so the first event tells.
        assert_eq!(events.recv().unwrap().unwrap().paths, [new.join("flags.json")]);
    }
}
