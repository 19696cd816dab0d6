//! One file as a scan met it: its content, the way to it, and what is known of its writer.

use super::{
    chain::Chain,
    doubt::Writer,
    read::{FileContent, FileVersion, ReadError, read_version},
    watch::Writes,
};
use crate::flag::Digest;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// A flag file or a list.
#[derive(Debug)]
pub(super) struct Part {
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
    /// Of a list.
    pub(super) entries: usize,
}

impl Part {
    pub(super) fn read(path: &Path, max_bytes: u64) -> Self {
        let (chain, reached) = Chain::follow(path);
        Self { chain, reached, content: read_version(path, max_bytes) }
    }

    /// A file that does not answer.
    pub(super) fn unanswered() -> Self {
        Self { chain: Chain::default(), reached: None, content: Err(ReadError::Unanswered) }
    }

    pub(super) fn stamp(&self) -> PartStamp {
        let content = self.content.as_ref().ok();
        PartStamp {
            digest: content.map_or([0; 32], |content| Sha256::digest(&content.bytes).into()),
            reached: self.reached.clone(),
            version: content.map(|content| content.version),
            entries: 0,
        }
    }

    /// What is known of the writer of what differs from the last time.
    pub(super) fn writer(
        &self,
        now: &PartStamp,
        before: Option<&PartStamp>,
        writes: &Writes,
    ) -> Writer {
        if before.is_some_and(|before| before.digest == now.digest) {
            return Writer::Done;
        }
        if self.reached.as_ref().is_some_and(|reached| writes.is_open(reached)) {
            return Writer::Open;
        }
        if writes.is_complete(&self.chain) {
            return Writer::Done;
        }
        let Some(version) = now.version else { return Writer::Unknown };
        let Some((reached, known)) = before.and_then(PartStamp::place) else {
            return if version.is_renamed() { Writer::Done } else { Writer::Unknown };
        };
        let is_swapped = self.reached.as_ref() != Some(reached);
        match version.is_same_file(known) {
            false if is_swapped || version.is_renamed() => Writer::Done,
            false => Writer::Replaced,
            true => Writer::Unknown,
        }
    }
}

impl PartStamp {
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
    fn writer(path: &Path, change: impl FnOnce()) -> Writer {
        let before = Part::read(path, 99).stamp();
        change();
        let part = Part::read(path, 99);
        part.writer(&part.stamp(), Some(&before), &Writes::default())
    }

    #[test]
    fn without_events_the_file_shows_how_it_was_changed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        let path = root.join("a.yaml");
        fs::write(&path, "0").unwrap();
        assert_eq!(writer(&path, || {}), Writer::Done);
        assert_eq!(writer(&path, || fs::write(&path, "1").unwrap()), Writer::Unknown);
        let append = || {
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(b"2").unwrap();
        };
        assert_eq!(writer(&path, append), Writer::Unknown);
        let anew = || {
            fs::rename(&path, root.join("a.yaml~")).unwrap();
            fs::write(&path, "3").unwrap();
        };
        assert_eq!(writer(&path, anew), Writer::Replaced);
        // The clock of a file system ticks in milliseconds.
        let rename = || {
            fs::write(root.join("next"), "4").unwrap();
            let written = Part::read(&root.join("next"), 99).stamp();
            let renamed = || Part::read(&root.join("next"), 99).stamp().version;
            let meta = fs::metadata(root.join("next")).unwrap();
            while renamed().is_some_and(|version| !version.is_renamed()) {
                fs::set_permissions(root.join("next"), meta.permissions()).unwrap();
            }
            assert!(written.version.is_some());
            fs::rename(root.join("next"), &path).unwrap();
        };
        assert_eq!(writer(&path, rename), Writer::Done);
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
        assert_eq!(writer(&root.join("..data/a.yaml"), swap), Writer::Done);
    }
}
