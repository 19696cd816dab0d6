//! Reads one flag file whole, or says exactly why not.
//!
//! Bytes count only if the file was the same before and after the read, and nothing but a
//! regular file is ever opened: a fifo or a device could block for ever.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    path::Path,
    time::SystemTime,
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
    /// Written to during every attempt.
    #[error("changed while it was read, {ATTEMPTS} times in a row")]
    Unstable,
    /// Anything else the file system answers.
    #[error("cannot be read")]
    Io(#[source] io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound,
            io::ErrorKind::PermissionDenied => Self::PermissionDenied(error),
            _ => Self::Io(error),
        }
    }
}

/// Reads a file of at most `max_bytes`. Blocks on the disk, so not for an async task.
pub(crate) fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>, ReadError> {
    for _ in 0..ATTEMPTS {
        // Looked at before it is opened: opening alone can block on a fifo or rewind a tape.
        check(&fs::metadata(path)?, max_bytes)?;
        if let Some(bytes) = read_unchanged(&mut File::open(path)?, max_bytes)? {
            return Ok(bytes);
        }
    }
    Err(ReadError::Unstable)
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
fn read_unchanged(file: &mut File, max_bytes: u64) -> Result<Option<Vec<u8>>, ReadError> {
    let before = file.metadata()?;
    check(&before, max_bytes)?;
    let mut bytes = Vec::with_capacity(usize::try_from(before.len()).unwrap_or_default());
    // One byte more than allowed is enough to see that a growing file has passed the limit.
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    let after = file.metadata()?;
    check(&after, max_bytes)?;
    Ok((stamp(&before)? == stamp(&after)?).then_some(bytes))
}

/// What every write changes. Both are of the open file, so its inode is the same by construction.
fn stamp(of: &Metadata) -> io::Result<(u64, SystemTime)> {
    Ok((of.len(), of.modified()?))
}

#[cfg(test)]
mod tests {
    use std::{
        error::Error,
        fs::OpenOptions,
        io::Write,
        process::Command,
        sync::atomic::{AtomicBool, Ordering},
        thread,
        time::{Duration, Instant},
    };

    use super::*;

    #[test]
    fn a_file_is_read_whole_up_to_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("flags.json");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read(&path, u64::MAX).unwrap(), b"12345");
        let error = read(&path, 4).unwrap_err();
        assert!(matches!(error, ReadError::TooLarge { limit: 4 }));
        assert_eq!(error.to_string(), "larger than 4 bytes (--max-file-bytes raises the limit)");
    }

    #[test]
    fn what_is_no_readable_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("dangling")).unwrap();
        for missing in [dir.path().join("dangling"), dir.path().join("no"), file.join("below")] {
            assert!(matches!(read(&missing, 9), Err(ReadError::NotFound)), "{missing:?}");
        }
        assert!(matches!(read(dir.path(), 9), Err(ReadError::Directory)));
        assert!(matches!(read(Path::new("/dev/zero"), 9), Err(ReadError::NotRegular)));

        let refused = ReadError::from(io::Error::from(io::ErrorKind::PermissionDenied));
        assert!(matches!(refused, ReadError::PermissionDenied(_)));
        assert!(refused.source().is_some(), "the cause is kept");
    }

    #[test]
    fn a_fifo_does_not_block() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo.json");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(matches!(read(&path, 9), Err(ReadError::NotRegular)));
    }

    #[test]
    fn a_file_that_grows_under_the_read_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("flags.json");
        fs::write(&path, vec![b' '; 4 << 20]).unwrap();
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut file = OpenOptions::new().append(true).open(&path).unwrap();
                while !done.load(Ordering::Relaxed) {
                    file.write_all(b" ").unwrap();
                }
            });
            let deadline = Instant::now() + Duration::from_secs(10);
            let mut seen = false;
            while !seen && Instant::now() < deadline {
                seen = matches!(read(&path, u64::MAX), Err(ReadError::Unstable));
            }
            done.store(true, Ordering::Relaxed);
            assert!(seen, "no read met the writer");
        });
    }
}
