//! What a scan meets under a name. It is used only if the scan is known to be of one moment.

use super::{
    disk::{Disk, Operation},
    listing::{self, Kind, ListError},
    lists::{Met, Stamp},
    mounts,
    part::Part,
    read::ReadError,
    watch::Writes,
};
use crate::telemetry::report;
use std::path::{Path, PathBuf};

/// One file.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) content: Content,
    /// Why it can never be updated. Nothing is known of that where the content is the same.
    pub(super) cannot_update: Option<&'static str>,
}

#[derive(Debug)]
pub(super) enum Content {
    /// The bytes that were there before. A list may be leased all the same.
    Same {
        is_leased: bool,
    },
    New(Box<Met>),
    Missing(String),
    /// A lease of another process, which may end at any moment.
    Leased(String),
    /// A call that has not returned yet.
    Unanswered(String),
    Unreadable(String),
}

/// Every file of a PATH, in the order in which later ones win, or why they cannot be listed.
pub(super) type Found = Result<Vec<(PathBuf, Finding)>, ListError>;

/// Reads files for one scan.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) disk: &'a mut Disk,
    pub(super) writes: &'a Writes,
    pub(super) max_bytes: u64,
}

impl Reader<'_> {
    /// Lists and reads what a PATH means; `seen` says what each file last held.
    pub(super) fn find<'s>(
        &mut self,
        path: &Path,
        kind: Kind,
        seen: impl Fn(&Path) -> Option<&'s Stamp>,
    ) -> Found {
        let files = match kind {
            Kind::File => vec![path.to_path_buf()],
            Kind::Directory => {
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

    /// Reads a file whose content was last `seen`.
    fn find_file(&mut self, path: &Path, seen: Option<&Stamp>) -> Finding {
        let (disk, writes) = (&mut *self.disk, self.writes);
        let met = Met::read(path, seen, self.max_bytes, writes, |path, max_bytes| {
            let file = path.to_path_buf();
            let read = move || Part::read(&file, max_bytes);
            disk.run(Operation::Read, path, read).unwrap_or_else(Part::unanswered)
        });
        let (is_detached, content) = match met {
            Ok(met) => {
                let is_same = seen.is_some_and(|seen| seen.digest == met.stamp.digest);
                let is_leased = met.is_leased;
                let is_detached = met.is_detached;
                let same = Content::Same { is_leased };
                (is_detached, if is_same { same } else { Content::New(Box::new(met)) })
            }
            Err(error) => {
                let why = report::chain(&error);
                let content = match error {
                    ReadError::NotFound => Content::Missing(why),
                    ReadError::Leased => Content::Leased(why),
                    ReadError::Unanswered => Content::Unanswered(why),
                    _ => Content::Unreadable(why),
                };
                (false, content)
            }
        };
        // Looking at the mounts costs more than the read of a small file. A mount that hides the
        // new file shows with the first update that is missed.
        let asks = matches!(content, Content::New(..)) || is_detached;
        let file = path.to_path_buf();
        let ask = move || mounts::cannot_update(&file);
        let cannot_update = asks.then(|| self.disk.run(Operation::Mounts, path, ask)).flatten();
        Finding { content, cannot_update: cannot_update.flatten() }
    }
}
