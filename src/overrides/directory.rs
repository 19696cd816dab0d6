//! The directory of overrides: read whole, written by rename.
//!
//! Names are a convention; what counts is the content. The writer may be another user than the
//! sidecar, in another container of the same pod, so files are readable by everybody.

use super::beneath::{BeneathError, Directory};
use crate::{
    files::{
        disk::{self, Disk, Operation},
        read::ReadError,
    },
    overrides::override_file::{Override, file_name},
    report::chain,
};
use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fmt::Write as _,
    fs::{self, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A larger file is no override of anybody's.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// So many files are read, the first by name; a person sets a few.
const MAX_FILES: usize = 1000;

/// Readable by everybody, whatever the umask.
const MODE: u32 = 0o644;
const DIRECTORY_MODE: u32 = 0o755;

/// What is wrong with a file or a directory whose file system does not return from a call.
pub(super) const HANGS: &str = "does not answer: its file system may hang";

/// How long a command waits for what it writes or removes.
const LIMIT: Duration = Duration::from_secs(10);

/// What the directory holds.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Each file by its name, in the order of names.
    pub(crate) files: Vec<(OsString, Result<Override, String>)>,
}

/// Files of the directory that are to be read, the first [`MAX_FILES`] by name.
#[derive(Debug)]
pub(super) struct Names {
    directory: Directory,
    pub(super) names: BTreeSet<OsString>,
    /// Files that are not read because there are too many.
    pub(super) left_out: usize,
}

/// Why a file is not an override.
#[derive(Debug)]
pub(super) struct Unusable {
    pub(super) why: String,
    /// It may be readable a moment later, without an event.
    pub(super) may_pass: bool,
}

/// Reads the files for a command; an absent directory is an empty one, since it may be made later.
pub(crate) fn list(directory: &Path) -> io::Result<Listing> {
    list_at_most(MAX_FILES, directory)
}

fn list_at_most(max_files: usize, directory: &Path) -> io::Result<Listing> {
    let (mut disk, path) = (Disk::of_command(), directory.to_owned());
    let list = move || Names::at_most(max_files, &path);
    let listed = disk.run(Operation::ListOverrides, directory, list);
    let Some(open) = listed.unwrap_or_else(|| Err(unanswered()))? else {
        return Ok(Listing::default());
    };
    let (open, mut files) = (Arc::new(open), Vec::new());
    for name in &open.names {
        let (one, file) = (Arc::clone(&open), name.clone());
        let read = move || one.read(&file);
        let read = disk.run(Operation::ReadOverride, &directory.join(name), read);
        let hangs = || Some(Err(Unusable { why: HANGS.to_owned(), may_pass: true }));
        // One that went away since it was listed is as gone as one that went before.
        if let Some(content) = read.unwrap_or_else(hangs) {
            files.push((name.clone(), content.map_err(|of| of.why)));
        }
    }
    Ok(Listing { files })
}

fn unanswered() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, HANGS)
}

impl Names {
    /// `None` if the directory is absent.
    pub(super) fn of(directory: &Path) -> io::Result<Option<Self>> {
        Self::at_most(MAX_FILES, directory)
    }

    fn at_most(max_files: usize, directory: &Path) -> io::Result<Option<Self>> {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let directory = Directory::open(directory)?;
        let (mut names, mut left_out) = (BTreeSet::new(), 0);
        for entry in entries {
            let name = entry?.file_name();
            if is_override_file(&name) {
                names.insert(name);
            }
            if names.len() > max_files {
                names.pop_last();
                left_out += 1;
            }
        }
        Ok(Some(Self { directory, names, left_out }))
    }

    /// Reads one file; `None` if it is gone.
    pub(super) fn read(&self, name: &OsStr) -> Option<Result<Override, Unusable>> {
        let content = match self.directory.read(name, MAX_FILE_BYTES) {
            Ok(content) => content,
            Err(BeneathError::Read(ReadError::NotFound)) => return None,
            Err(BeneathError::Read(ReadError::TooLarge { limit })) => {
                let why = format!("is larger than {limit} bytes, which no override is");
                return Some(Err(Unusable { why, may_pass: false }));
            }
            Err(error) => {
                let may_pass = matches!(&error, BeneathError::Read(error) if error.may_pass());
                return Some(Err(Unusable { why: chain(&error), may_pass }));
            }
        };
        let unusable = |error| Unusable { why: chain(&error), may_pass: false };
        Some(Override::parse(&content).map_err(unusable))
    }
}

/// Whether a name is that of an override: not hidden, as half-written ones are, and `.json`.
fn is_override_file(name: &OsString) -> bool {
    let hidden = name.as_encoded_bytes().starts_with(b".");
    !hidden && Path::new(name).extension().is_some_and(|extension| extension == "json")
}

/// Writes the file of an override, whole or not at all, and says where.
pub(crate) fn write(directory: &Path, of: &Override) -> io::Result<PathBuf> {
    let (directory, of) = (directory.to_owned(), of.clone());
    let write = move || write_now(&directory, &of);
    disk::within(LIMIT, write).unwrap_or_else(|| Err(unanswered()))
}

fn write_now(directory: &Path, of: &Override) -> io::Result<PathBuf> {
    if !directory.exists() {
        fs::create_dir_all(directory)?;
        fs::set_permissions(directory, Permissions::from_mode(DIRECTORY_MODE))?;
    }
    let path = directory.join(file_name(&of.flag));
    // Unlike any other, since processes of two containers may have the same number.
    let moment = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let hidden = format!(".{}-{moment}.{}", process::id(), file_name(&of.flag));
    let hidden = directory.join(hidden);
    let written = write_new(&hidden, &of.to_text()).and_then(|()| fs::rename(&hidden, &path));
    if written.is_err() {
        // What is hidden is read by nobody, so this one failing as well hurts nobody.
        fs::remove_file(&hidden).unwrap_or_default();
    }
    written.map(|()| path)
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(path)?;
    file.set_permissions(Permissions::from_mode(MODE))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A file name as people read it, with bytes that are not UTF-8 spelled out: other names are shown
/// as other texts.
pub(crate) fn shown(name: &OsStr) -> String {
    let mut shown = String::new();
    for part in name.as_encoded_bytes().utf8_chunks() {
        shown.push_str(&part.valid().replace('\\', "\\\\"));
        for byte in part.invalid() {
            // Writing to a string cannot fail.
            write!(shown, "\\x{byte:02x}").unwrap_or_default();
        }
    }
    shown
}

/// Removes every file that overrides a flag but for the one called `keep`, and returns how many. A
/// file whose shown name is among `known` overrides the flag as well, whatever can be read in it.
pub(crate) fn remove(
    directory: &Path,
    flag: &str,
    known: &[&str],
    keep: Option<&Path>,
) -> io::Result<usize> {
    let own = OsString::from(file_name(flag));
    let files = list_at_most(usize::MAX, directory)?.files;
    // One under the flag's own name is meant as well if it cannot be read.
    let unread = files.iter().all(|(name, _)| *name != own).then(|| own.clone());
    let of_flag = files.into_iter().filter_map(|(name, content)| {
        let overrides = content.map_or(name == own, |of| of.flag == flag);
        (overrides || known.contains(&&*shown(&name))).then_some(name)
    });
    let mut removed = 0;
    for path in of_flag.chain(unread).map(|name| directory.join(name)) {
        if keep == Some(path.as_path()) {
            continue;
        }
        let remove = move || fs::remove_file(path);
        match disk::within(LIMIT, remove).unwrap_or_else(|| Err(unanswered())) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests;
