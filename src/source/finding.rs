//! What a look meets under a name. Nothing is taken from it until the look is known to be of one
//! moment.

use super::{
    listing::{self, Kind, ListError},
    lists::{Loaded, Stamp},
    mounts,
    read::ReadError,
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
    /// The bytes that were there before.
    Same,
    New(Loaded, Stamp),
    Missing(String),
    Unreadable(String),
}

impl Finding {
    /// Reads a file whose content was last `seen`.
    pub(super) fn of(path: &Path, seen: Option<&Stamp>, max_bytes: u64) -> Self {
        let content = match Loaded::look(path, seen, max_bytes) {
            Ok((_, stamp)) if seen == Some(&stamp) => Content::Same,
            Ok((loaded, stamp)) => Content::New(loaded, stamp),
            Err(error @ ReadError::NotFound) => Content::Missing(report::chain(&error)),
            Err(error) => Content::Unreadable(report::chain(&error)),
        };
        let cannot_update = match content {
            Content::New(..) => mounts::cannot_update(path),
            // Cheap enough for every look, and it comes true only with the first missed update.
            Content::Same if mounts::is_detached(path) => mounts::cannot_update(path),
            _ => None,
        };
        Self { content, cannot_update }
    }
}

/// Every file of a PATH, in the order in which later ones win, or why they cannot be listed.
pub(super) type Found = Result<Vec<(PathBuf, Finding)>, ListError>;

/// Lists and reads what a PATH means; `seen` says what each file last held.
pub(super) fn find<'a>(
    path: &Path,
    kind: Kind,
    seen: impl Fn(&Path) -> Option<&'a Stamp>,
    max_bytes: u64,
) -> Found {
    let files = match kind {
        Kind::File => vec![path.to_path_buf()],
        Kind::Directory => listing::list(path)?,
    };
    let read = |file: PathBuf| {
        let finding = Finding::of(&file, seen(&file), max_bytes);
        (file, finding)
    };
    Ok(files.into_iter().map(read).collect())
}
