//! Reads one flag file whole, or says exactly why not.
//!
//! Opening never waits, neither for a lease nor for the other end of a fifo, and only a regular
//! file is read. Bytes count only if the file was the same before and after the read.

use rustix::fs::OFlags;
use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

/// Reads before giving up on a file that is being written; the end of the write is an event.
const ATTEMPTS: usize = 4;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// Nothing there, or a link that leads nowhere.
    #[error("file not found")]
    NotFound,
    /// A directory where a file is expected.
    #[error("is a directory, not a file")]
    Directory,
    /// A fifo, a socket or a device.
    #[error("is not a regular file")]
    NotRegular,
    /// The file, or a directory on the way to it, is closed to this user.
    #[error("permission denied for the user this process runs as")]
    PermissionDenied(#[source] io::Error),
    /// More than `--max-file-bytes`.
    #[error("larger than {limit} bytes (--max-file-bytes raises the limit)")]
    TooLarge {
        /// The limit in force.
        limit: u64,
    },
    /// A call that has not returned, as on a mount whose server is gone.
    #[error("does not answer: its file system may hang")]
    Unanswered,
    /// Written to during every attempt.
    #[error("changed while it was read, {ATTEMPTS} times in a row")]
    Unstable,
    /// A lease: the kernel asks its holder to give it up, and the next attempt may succeed.
    #[error("is locked by a lease of another process (a file server, for example)")]
    Leased,
    /// Anything else the file system answers.
    #[error("cannot be read")]
    Io(#[source] io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound,
            io::ErrorKind::PermissionDenied => Self::PermissionDenied(error),
            io::ErrorKind::WouldBlock => Self::Leased,
            _ => Self::Io(error),
        }
    }
}

impl ReadError {
    /// Whether the same file may be read a moment later: no event reports the end of a lease, nor
    /// that another file was closed when there were too many.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Leased | Self::Io(_))
    }
}

/// A file as it was at one moment.
#[derive(Debug, Clone)]
pub(crate) struct FileContent {
    pub(crate) bytes: Vec<u8>,
    pub(crate) version: FileVersion,
    /// No directory has the file any more: a mount or an open descriptor holds it.
    pub(crate) is_detached: bool,
}

/// Which file was read, and when it was last changed: every write changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileVersion {
    device: u64,
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds of the last write.
    modified: (i64, i64),
    /// Of the last write, rename or change of mode.
    changed: (i64, i64),
}

impl FileVersion {
    fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            inode: found.ino(),
            size: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Whether both are of one file. If so, one was made of the other by writing to the file.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    /// Whether the file was renamed, linked or given another mode after its last write.
    pub(crate) fn is_renamed(&self) -> bool {
        self.changed > self.modified
    }

    /// Whether nothing was written in between.
    fn is_unwritten_since(&self, before: &Self) -> bool {
        (self.size, self.modified) == (before.size, before.modified)
    }
}

/// Reads a file of at most `max_bytes`. Blocks on the disk, so not for an async task.
pub(crate) fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>, ReadError> {
    Ok(read_version(path, max_bytes)?.bytes)
}

/// As [`read`], and says which file that was.
pub(crate) fn read_version(path: &Path, max_bytes: u64) -> Result<FileContent, ReadError> {
    for _ in 0..ATTEMPTS {
        // Looked at before it is opened, because opening some devices has effects.
        check(&fs::metadata(path)?, max_bytes)?;
        if let Some(content) = read_unchanged(&mut open(path)?, max_bytes)? {
            return Ok(content);
        }
    }
    Err(ReadError::Unstable)
}

/// Opens what is there by now, whatever it is, without waiting.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).unwrap_or_default();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

fn check(found: &Metadata, max_bytes: u64) -> Result<(), ReadError> {
    match found {
        dir if dir.is_dir() => Err(ReadError::Directory),
        other if !other.is_file() => Err(ReadError::NotRegular),
        file if file.len() > max_bytes => Err(ReadError::TooLarge { limit: max_bytes }),
        _ => Ok(()),
    }
}

/// The content, unless the file changed under the read.
fn read_unchanged(file: &mut File, max_bytes: u64) -> Result<Option<FileContent>, ReadError> {
    let found = file.metadata()?;
    check(&found, max_bytes)?;
    let before = FileVersion::of(&found);
    let mut bytes = Vec::with_capacity(usize::try_from(before.size).unwrap_or_default());
    // One byte more than allowed is enough to see that a growing file has passed the limit.
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    let after = file.metadata()?;
    check(&after, max_bytes)?;
    let (version, is_detached) = (FileVersion::of(&after), after.nlink() == 0);
    let content = FileContent { bytes, version, is_detached };
    Ok(version.is_unwritten_since(&before).then_some(content))
}

#[cfg(test)]
mod tests;
