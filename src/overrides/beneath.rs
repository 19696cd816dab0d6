//! Reads files of the overrides' directory, and of no other place.
//!
//! Another user, in another container, may write to the directory. A link that this user plants
//! there must not make the sidecar read, or report on, a file elsewhere.

use crate::files::read::ReadError;
use rustix::{
    fs::{Mode, OFlags, ResolveFlags, open, openat, openat2},
    io::Errno,
};
use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read},
    os::fd::OwnedFd,
    path::Path,
};

/// Why a file of the directory was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BeneathError {
    #[error("is a link that leads out of the directory: put the file itself there")]
    Outside,
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<io::Error> for BeneathError {
    fn from(error: io::Error) -> Self {
        Self::Read(error.into())
    }
}

/// An open directory.
#[derive(Debug)]
pub(super) struct Directory(OwnedFd);

impl Directory {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        Ok(Self(open(path, flags, Mode::empty())?))
    }

    /// Reads a file of at most `max_bytes`. Opening never waits, whatever stands under the name.
    pub(super) fn read(&self, name: &OsStr, max_bytes: u64) -> Result<Vec<u8>, BeneathError> {
        let mut file = self.open_file(name)?;
        let found = file.metadata()?;
        if found.is_dir() {
            return Err(ReadError::Directory.into());
        }
        if !found.is_file() {
            return Err(ReadError::NotRegular.into());
        }
        let mut bytes = Vec::new();
        // One byte more than allowed is enough to see that the file is larger.
        (&mut file).take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > max_bytes {
            return Err(ReadError::TooLarge { limit: max_bytes }.into());
        }
        Ok(bytes)
    }

    fn open_file(&self, name: &OsStr) -> Result<File, BeneathError> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let within = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let opened = match openat2(&self.0, name, flags, Mode::empty(), within) {
            // An old kernel, or a sandbox that does not know the call: then links are not followed.
            Err(Errno::NOSYS | Errno::PERM) => {
                openat(&self.0, name, flags | OFlags::NOFOLLOW, Mode::empty())
            }
            opened => opened,
        };
        match opened {
            Ok(file) => Ok(file.into()),
            Err(Errno::XDEV | Errno::LOOP) => Err(BeneathError::Outside),
            Err(error) => Err(io::Error::from(error).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn a_link_within_the_directory_is_followed_and_one_that_leads_out_is_not() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("overrides");
        fs::create_dir_all(dir.join("..2026")).unwrap();
        fs::write(root.path().join("secret"), "secret").unwrap();
        fs::write(dir.join("..2026/within.json"), "within").unwrap();
        symlink("..2026", dir.join("..data")).unwrap();
        symlink("..data/within.json", dir.join("within.json")).unwrap();
        symlink("../secret", dir.join("relative.json")).unwrap();
        symlink(root.path().join("secret"), dir.join("absolute.json")).unwrap();
        symlink(root.path(), dir.join("up")).unwrap();
        symlink("up/secret", dir.join("by-way-of.json")).unwrap();
        symlink("/proc/self/environ", dir.join("environ.json")).unwrap();
        symlink("nowhere", dir.join("dangling.json")).unwrap();
        let open = Directory::open(&dir).unwrap();
        assert_eq!(open.read("within.json".as_ref(), 99).unwrap(), b"within");
        for name in ["relative.json", "absolute.json", "by-way-of.json", "environ.json"] {
            let read = open.read(name.as_ref(), 99);
            assert!(matches!(read, Err(BeneathError::Outside)), "{name}: {read:?}");
        }
        let dangling = open.read("dangling.json".as_ref(), 99);
        assert!(matches!(dangling, Err(BeneathError::Read(ReadError::NotFound))), "{dangling:?}");
    }
}
