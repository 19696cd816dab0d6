//! What a scan meets under a name. It is used only if the scan is known to be of one moment.

use super::{
    lists::{Met, Stamp},
    mounts,
    watch::Writes,
};
use crate::{
    files::{
        disk::{Disk, Operation},
        listing::{self, FileKind, ListError},
        read::ReadError,
    },
    report,
    source::scanned_file::FilePart,
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// One file.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) content: ScannedContent,
    /// Why it can never be updated. Nothing is known of that where the content is the same.
    pub(super) cannot_update: Option<&'static str>,
    /// Whether it can be updated is not known yet.
    is_asked: bool,
}

#[derive(Debug)]
pub(super) enum ScannedContent {
    /// Not read by this scan, which only goes on with the last one.
    NotRead,
    /// The bytes that were there before. A list may be unreadable for the moment all the same.
    Same {
        may_pass: bool,
    },
    New(Box<Met>),
    Missing(String),
    /// Unreadable for a reason that may pass without an event, such as a lease.
    Unready {
        why: String,
        is_leased: bool,
    },
    /// A call that has not returned yet.
    Unanswered(String),
    Unreadable(String),
}

impl Finding {
    fn not_read() -> Self {
        Self { content: ScannedContent::NotRead, cannot_update: None, is_asked: false }
    }

    /// Whether a part of it is read by a call that has not returned yet.
    pub(super) fn is_unanswered(&self) -> bool {
        match &self.content {
            _ if self.is_asked => true,
            ScannedContent::Unanswered(_) => true,
            ScannedContent::New(met) => met.unread.as_ref().is_some_and(|unread| !unread.may_pass),
            _ => false,
        }
    }
}

/// Every file of a PATH, in the order in which later ones win, or why they cannot be listed.
pub(super) type Found = Result<Vec<(PathBuf, Finding)>, ListError>;

/// What a scan could not wait for.
#[derive(Debug)]
pub(super) enum UnreadReason {
    Nothing,
    Everything,
    Files(BTreeSet<PathBuf>),
}

impl UnreadReason {
    pub(super) fn of(found: &Found) -> Self {
        match found {
            Err(ListError::Unanswered) => Self::Everything,
            Err(_) => Self::Nothing,
            Ok(found) => {
                let unread = found.iter().filter(|(_, finding)| finding.is_unanswered());
                let unread: BTreeSet<_> = unread.map(|(path, _)| path.clone()).collect();
                if unread.is_empty() { Self::Nothing } else { Self::Files(unread) }
            }
        }
    }
}

/// Reads files for one scan.
#[derive(Debug)]
pub(super) struct FileReader<'a> {
    pub(super) disk: &'a mut Disk,
    pub(super) writes: &'a Writes,
    pub(super) max_bytes: u64,
}

impl FileReader<'_> {
    /// Lists and reads what a PATH means; `seen` says what each file last held.
    pub(super) fn find<'s>(
        &mut self,
        path: &Path,
        kind: FileKind,
        seen: impl Fn(&Path) -> Option<&'s Stamp>,
    ) -> Found {
        let files = match kind {
            FileKind::File => vec![path.to_path_buf()],
            FileKind::Directory => {
                let directory = path.to_path_buf();
                let list = move || listing::list(&directory);
                let listed = self.disk.run(Operation::List, path, list);
                listed.unwrap_or(Err(ListError::Unanswered))?
            }
        };
        let read = |file: PathBuf| {
            let finding = self.find_file(&file, seen(&file));
            (file, finding)
        };
        Ok(files.into_iter().map(read).collect())
    }

    /// Goes on to read the files that are still `unread`, of all that were listed.
    pub(super) fn go_on<'s>(
        &mut self,
        listed: impl Iterator<Item = PathBuf>,
        unread: &BTreeSet<PathBuf>,
        seen: impl Fn(&Path) -> Option<&'s Stamp>,
    ) -> Found {
        let read = |file: PathBuf| {
            let finding = match unread.contains(&file) {
                true => self.find_file(&file, seen(&file)),
                false => Finding::not_read(),
            };
            (file, finding)
        };
        Ok(listed.map(read).collect())
    }

    /// Reads a file whose content was last `seen`.
    fn find_file(&mut self, path: &Path, seen: Option<&Stamp>) -> Finding {
        let (disk, writes) = (&mut *self.disk, self.writes);
        let met = Met::read(path, seen, self.max_bytes, writes, |path, max_bytes| {
            let file = path.to_path_buf();
            let read = move || FilePart::read(&file, max_bytes);
            disk.run(Operation::Read, path, read).unwrap_or_else(FilePart::unanswered)
        });
        let (is_detached, content) = match met {
            Ok(met) => {
                let is_same = seen.is_some_and(|seen| seen.digest == met.stamp.digest);
                let may_pass = met.unread.as_ref().is_some_and(|unread| unread.may_pass);
                let is_detached = met.is_detached;
                let same = ScannedContent::Same { may_pass };
                (is_detached, if is_same { same } else { ScannedContent::New(Box::new(met)) })
            }
            Err(error) => {
                let why = report::chain(&error);
                let content = match error {
                    ReadError::NotFound => ScannedContent::Missing(why),
                    ReadError::Unanswered => ScannedContent::Unanswered(why),
                    _ if error.may_pass() => ScannedContent::Unready {
                        why,
                        is_leased: matches!(error, ReadError::Leased),
                    },
                    _ => ScannedContent::Unreadable(why),
                };
                (false, content)
            }
        };
        // Looking at the mounts costs more than the read of a small file. A mount that hides the
        // new file shows with the first update that is missed.
        let is_owed = self.disk.owes(Operation::Mounts, path);
        let asks = matches!(content, ScannedContent::New(..)) || is_detached || is_owed;
        let file = path.to_path_buf();
        let ask = move || mounts::cannot_update(&file);
        let answer = asks.then(|| self.disk.run(Operation::Mounts, path, ask));
        let is_asked = matches!(answer, Some(None));
        Finding { content, cannot_update: answer.flatten().flatten(), is_asked }
    }
}
