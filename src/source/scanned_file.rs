//! One file as a scan met it: its content, the way to it, and what is known of its writer.

use super::{
    chain::Chain,
    watch::{Closing, Writes},
};
use crate::{
    files::read::{FileContent, FileVersion, ReadError, read_version},
    source::half_written::WriterState,
};
use flagstaff_core::Digest;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// A flag file or a list.
#[derive(Debug)]
pub(super) struct FilePart {
    chain: Chain,
    /// The physical path, without links.
    reached: Option<PathBuf>,
    pub(super) content: Result<FileContent, ReadError>,
}

/// By which the next scan knows whether a part is new, and what happened to it.
#[derive(Debug, Clone)]
pub(super) struct PartStamp {
    pub(super) digest: Digest,
    reached: Option<PathBuf>,
    version: Option<FileVersion>,
    /// Whether the last line has its end.
    ends_line: bool,
    /// Of a list.
    pub(super) entries: usize,
}

impl FilePart {
    pub(super) fn read(path: &Path, max_bytes: u64) -> Self {
        let (chain, reached) = Chain::follow(path);
        Self { chain, reached, content: read_version(path, max_bytes) }
    }

    /// A file that does not answer.
    pub(super) fn unanswered() -> Self {
        Self { chain: Chain::default(), reached: None, content: Err(ReadError::Unanswered) }
    }

    /// Whether the content is that of before with something written behind it.
    pub(super) fn is_appended_to(&self, before: &PartStamp) -> bool {
        let Ok(content) = &self.content else { return false };
        let Some(known) = before.version.filter(|known| content.version.is_same_file(known)) else {
            return false;
        };
        let size = usize::try_from(known.size()).unwrap_or(usize::MAX);
        let kept = content.bytes.get(..size).filter(|kept| kept.len() < content.bytes.len());
        kept.is_some_and(|kept| *Sha256::digest(kept) == before.digest)
    }

    pub(super) fn stamp(&self) -> PartStamp {
        let content = self.content.as_ref().ok();
        PartStamp {
            digest: content.map_or([0; 32], |content| Sha256::digest(&content.bytes).into()),
            reached: self.reached.clone(),
            version: content.map(|content| content.version),
            ends_line: content.is_none_or(|content| content.bytes.ends_with(b"\n")),
            entries: 0,
        }
    }

    /// What is known of the writer of what differs from the last time.
    pub(super) fn writer(
        &self,
        now: &PartStamp,
        before: Option<&PartStamp>,
        writes: &Writes,
    ) -> WriterState {
        if before.is_some_and(|before| before.digest == now.digest) {
            return WriterState::Done;
        }
        if self.reached.as_ref().is_some_and(|reached| writes.is_open(reached)) {
            return WriterState::Open;
        }
        if writes.is_complete(&self.chain) {
            return WriterState::Done;
        }
        let version = now.version;
        let known = before.and_then(PartStamp::place);
        let is_other = match (version, known) {
            (Some(version), Some((_, known))) => !version.is_same_file(known),
            _ => false,
        };
        let is_swapped = known.is_some_and(|(reached, _)| self.reached.as_ref() != Some(reached));
        if is_other && is_swapped {
            return WriterState::Done;
        }
        match self.reached.as_ref().and_then(|reached| writes.closing(reached)) {
            Some(Closing::AfterWrite) => return WriterState::Closed,
            Some(Closing::Again) => return WriterState::ClosedAgain,
            Some(Closing::AfterOther) => return WriterState::ClosedByAnother,
            None => {}
        }
        let is_renamed = version.is_some_and(|version| version.is_renamed());
        match known {
            Some(_) if is_other && is_renamed => WriterState::Done,
            Some(_) if is_other => WriterState::Replaced,
            None if is_renamed => WriterState::Done,
            _ => WriterState::Unknown,
        }
    }
}

impl PartStamp {
    /// Whether the content seems to be cut off within a line, which it was not before.
    pub(super) fn is_cut_since(&self, before: &Self) -> bool {
        before.ends_line && !self.ends_line
    }

    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        let versions = self.version.zip(other.version);
        versions.is_some_and(|(ours, theirs)| ours.is_same_file(&theirs))
    }

    fn place(&self) -> Option<(&PathBuf, &FileVersion)> {
        Some((self.reached.as_ref()?, self.version.as_ref()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{self, OpenOptions},
        io::Write,
        os::unix::fs::symlink,
    };

    /// What is known of a change without events.
    fn writer(path: &Path, change: impl FnOnce()) -> WriterState {
        let before = FilePart::read(path, 99).stamp();
        change();
        let part = FilePart::read(path, 99);
        part.writer(&part.stamp(), Some(&before), &Writes::default())
    }

    #[test]
    fn without_events_the_file_shows_how_it_was_changed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let path = root.join("a.yaml");
        fs::write(&path, "0").unwrap();
        assert_eq!(writer(&path, || {}), WriterState::Done);
        assert_eq!(writer(&path, || fs::write(&path, "1").unwrap()), WriterState::Unknown);
        let append = || {
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(b"2").unwrap();
        };
        assert_eq!(writer(&path, append), WriterState::Unknown);
        let anew = || {
            fs::rename(&path, root.join("a.yaml~")).unwrap();
            fs::write(&path, "3").unwrap();
        };
        assert_eq!(writer(&path, anew), WriterState::Replaced);
        // The clock of a file system ticks in milliseconds.
        let rename = || {
            fs::write(root.join("next"), "4").unwrap();
            let written = FilePart::read(&root.join("next"), 99).stamp();
            let renamed = || FilePart::read(&root.join("next"), 99).stamp().version;
            let meta = fs::metadata(root.join("next")).unwrap();
            while renamed().is_some_and(|version| !version.is_renamed()) {
                fs::set_permissions(root.join("next"), meta.permissions()).unwrap();
            }
            assert!(written.version.is_some());
            fs::rename(root.join("next"), &path).unwrap();
        };
        assert_eq!(writer(&path, rename), WriterState::Done);
    }

    #[test]
    fn a_swapped_link_is_complete() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for revision in ["1", "2"] {
            fs::create_dir(root.join(revision)).unwrap();
            fs::write(root.join(revision).join("a.yaml"), revision).unwrap();
        }
        symlink("1", root.join("..data")).unwrap();
        let swap = || {
            symlink("2", root.join("next")).unwrap();
            fs::rename(root.join("next"), root.join("..data")).unwrap();
        };
        assert_eq!(writer(&root.join("..data/a.yaml"), swap), WriterState::Done);
    }
}
