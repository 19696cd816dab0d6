//! Whether the files of a PATH were read at one moment: a link that is swapped meanwhile would mix old
//! files with new ones.

use super::chain::Chain;
use crate::source::scan_result::Found;
use std::time::{Duration, Instant};

/// How long files wait for others that were swapped with them, and for the proof that they were. A
/// call that hangs must not hold them back for longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// As `PATIENCE`, for all calls of a slow file system together.
const LONGEST: Duration = Duration::from_secs(5);

/// What is known of the moment of the last scan.
#[derive(Debug, Default)]
pub(super) struct SwapWindow {
    /// What the path depended on before its files were read.
    before: Option<Chain>,
    /// The same, of the last scan that read all files.
    complete: Option<Chain>,
    /// Since when some file was not read, or the file system has not said what the path depends on.
    pending_since: Option<Instant>,
    /// When the last call began that has not returned.
    youngest: Option<Instant>,
    /// What was read, while that is so.
    held: Option<Found>,
}

impl SwapWindow {
    /// Begins to read, with what the path depends on now.
    pub(super) fn begin(&mut self, chain: Option<Chain>) {
        (self.before, self.held) = (chain, None);
    }

    /// Whether it is not known what the path depended on before its files were read.
    pub(super) fn lacks_beginning(&self) -> bool {
        self.before.is_none()
    }

    /// Ends reading. Returns whether the path leads to the files that were read, as far as is known.
    pub(super) fn end(
        &mut self,
        now: Option<&Chain>,
        has_read_all: bool,
        youngest: Option<Instant>,
    ) -> bool {
        self.youngest = youngest;
        let proof = self.before.as_ref().zip(now);
        let is_same = proof.is_none_or(|(before, now)| before.is_same_moment(now));
        if has_read_all && proof.is_some() {
            self.pending_since = None;
        } else {
            self.pending_since.get_or_insert_with(Instant::now);
        }
        is_same
    }

    /// Whether something was swapped since all files were read.
    pub(super) fn is_swapped(&self) -> bool {
        let both = self.complete.as_ref().zip(self.before.as_ref());
        both.is_none_or(|(complete, before)| !complete.is_same_moment(before))
    }

    /// When to give up waiting, if something is to be waited for.
    pub(super) fn waits_until(&self) -> Option<Instant> {
        let (since, now) = (self.pending_since?, Instant::now());
        let until = self.youngest.unwrap_or(now) + PATIENCE;
        Some(until.min(since + LONGEST)).filter(|until| *until > now)
    }

    /// Holds back what was read.
    pub(super) fn hold(&mut self, found: &mut Option<Found>) {
        if found.is_some() {
            self.held = found.take();
        }
    }

    /// What was read is taken.
    pub(super) fn take(&mut self) {
        if self.pending_since.is_none() {
            self.complete.clone_from(&self.before);
        }
    }

    pub(super) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    pub(super) fn release(&mut self) -> Option<Found> {
        self.held.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink, path::Path};

    fn chain(path: &Path) -> Chain {
        Chain::of([&path.to_path_buf()])
    }

    #[test]
    fn files_wait_for_each_other_only_after_a_swap_and_not_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("flags.json");
        symlink("one", &path).unwrap();
        let mut moment = SwapWindow::default();
        moment.begin(Some(chain(&path)));
        assert!(moment.end(Some(&chain(&path)), true, None) && moment.waits_until().is_none());
        moment.take();
        moment.begin(Some(chain(&path)));
        assert!(!moment.is_swapped());
        assert!(moment.end(None, true, None) && moment.waits_until().is_some());
        fs::remove_file(&path).unwrap();
        symlink("two", &path).unwrap();
        moment.begin(Some(chain(&path)));
        assert!(moment.is_swapped());
        assert!(moment.end(Some(&chain(&path)), false, None));
        let until = moment.waits_until().unwrap();
        assert!(until <= Instant::now() + PATIENCE);
        moment.take();
        assert!(moment.is_swapped(), "not all files were read");
        moment.youngest = Instant::now().checked_sub(PATIENCE);
        assert!(moment.waits_until().is_none(), "that call hangs");
        (moment.youngest, moment.pending_since) = (None, Instant::now().checked_sub(LONGEST));
        assert!(moment.waits_until().is_none());
        moment.begin(Some(chain(&path)));
        assert!(moment.end(Some(&chain(&path)), true, None));
        moment.take();
        assert!(!moment.is_swapped());
    }

    #[test]
    fn what_is_held_is_kept_until_the_next_reading() {
        let (mut moment, mut found) = (SwapWindow::default(), Some(Ok(Vec::new())));
        moment.hold(&mut found);
        assert!(found.is_none() && moment.is_held());
        assert!(moment.release().is_some() && !moment.is_held());
    }
}
