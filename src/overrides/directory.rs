//! The directory of overrides: read whole, written by rename.
//!
//! Names are a convention; what counts is the content. The writer may be another user than the
//! sidecar, in another container of the same pod, so files are readable by everybody.

use super::{
    beneath::{BeneathError, Directory},
    entry::{Override, file_name},
};
use crate::{source::read::ReadError, telemetry::report::chain};
use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fmt::Write as _,
    fs::{self, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process,
    time::{SystemTime, UNIX_EPOCH},
};

/// A larger file is no override of anybody's.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// So many files are read, the first by name; a person sets a few.
const MAX_FILES: usize = 1000;

/// Readable by everybody, whatever the umask.
const MODE: u32 = 0o644;
const DIRECTORY_MODE: u32 = 0o755;

/// What the directory holds.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Each file by its name, in the order of names.
    pub(crate) files: Vec<(OsString, Result<Override, String>)>,
    /// Files that are not read because there are too many.
    pub(crate) left_out: usize,
}

/// Reads the files, the first [`MAX_FILES`] by name; an absent directory is an empty one, since it
/// may be made later.
pub(crate) fn list(directory: &Path) -> io::Result<Listing> {
    list_at_most(MAX_FILES, directory)
}

fn list_at_most(max_files: usize, directory: &Path) -> io::Result<Listing> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Listing::default()),
        Err(error) => return Err(error),
    };
    let open = Directory::open(directory)?;
    let mut listing = Listing::default();
    let mut names = BTreeSet::new();
    for entry in entries {
        let name = entry?.file_name();
        if is_override_file(&name) {
            names.insert(name);
        }
        if names.len() > max_files {
            names.pop_last();
            listing.left_out += 1;
        }
    }
    for name in names {
        // One that went away since it was listed is as gone as one that went before.
        if let Some(content) = read_one(&open, &name) {
            listing.files.push((name, content));
        }
    }
    Ok(listing)
}

/// Whether a name is that of an override: not hidden, as half-written ones are, and `.json`.
fn is_override_file(name: &OsString) -> bool {
    let hidden = name.as_encoded_bytes().starts_with(b".");
    !hidden && Path::new(name).extension().is_some_and(|extension| extension == "json")
}

fn read_one(directory: &Directory, name: &OsStr) -> Option<Result<Override, String>> {
    let content = match directory.read(name, MAX_FILE_BYTES) {
        Ok(content) => content,
        Err(BeneathError::Read(ReadError::NotFound)) => return None,
        Err(BeneathError::Read(ReadError::TooLarge { limit })) => {
            return Some(Err(format!("is larger than {limit} bytes, which no override is")));
        }
        Err(error) => return Some(Err(chain(&error))),
    };
    Some(Override::parse(&content).map_err(|error| chain(&error)))
}

/// Writes the file of an override, whole or not at all, and says where.
pub(crate) fn write(directory: &Path, of: &Override) -> io::Result<PathBuf> {
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
        match fs::remove_file(path) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{os::unix::ffi::OsStrExt, time::Duration};

    fn of(flag: &str, variant: &str) -> Override {
        let until = UNIX_EPOCH + Duration::from_secs(1_795_345_200);
        let (flag, variant) = (flag.to_owned(), variant.to_owned());
        Override { flag, variant, until, why: "x".to_owned(), set_at: None }
    }

    fn names(directory: &Path) -> Vec<String> {
        list(directory).unwrap().files.into_iter().map(|(name, _)| shown(&name)).collect()
    }

    #[test]
    fn what_is_written_is_listed_and_readable_by_everybody() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("made/when/needed");
        assert!(list(&dir).unwrap().files.is_empty());
        let path = write(&dir, &of("a/b", "on")).unwrap();
        write(&dir, &of("a/b", "off")).unwrap();
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o644);
        let files = list(&dir).unwrap().files;
        assert_eq!(files, [("a%2Fb.json".into(), Ok(of("a/b", "off")))]);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "nothing hidden is left");
    }

    #[test]
    fn what_is_no_override_hurts_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        write(dir, &of("good", "on")).unwrap();
        fs::write(dir.join("corrupt.json"), "{").unwrap();
        fs::write(dir.join("huge.json"), vec![b' '; 64 * 1024 + 1]).unwrap();
        fs::create_dir(dir.join("directory.json")).unwrap();
        for ignored in [".hidden.json", "README", "notes.txt"] {
            fs::write(dir.join(ignored), "x").unwrap();
        }
        std::os::unix::fs::symlink("nowhere", dir.join("dangling.json")).unwrap();
        let files = list(dir).unwrap().files;
        let told: Vec<_> = files
            .iter()
            .map(|(name, content)| {
                (name.to_str().unwrap(), content.as_ref().err().map(String::as_str))
            })
            .collect();
        assert_eq!(told[0].0, "corrupt.json");
        assert!(told[0].1.unwrap().starts_with("is no override: EOF"), "{told:?}");
        assert_eq!(told[1], ("directory.json", Some("is a directory, not a file")));
        assert_eq!(told[2], ("good.json", None));
        assert_eq!(told[3].1, Some("is larger than 65536 bytes, which no override is"));
        assert_eq!(told.len(), 4);
    }

    #[test]
    fn too_many_are_left_out_by_name() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..MAX_FILES + 3 {
            fs::write(dir.path().join(format!("{number:04}.json")), "{").unwrap();
        }
        let listing = list(dir.path()).unwrap();
        assert_eq!((listing.files.len(), listing.left_out), (MAX_FILES, 3));
        assert_eq!(listing.files.last().unwrap().0, "0999.json");
    }

    #[test]
    fn a_flag_s_overrides_are_removed_whatever_their_files_are_called() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let kept = write(dir, &of("a", "on")).unwrap();
        write(dir, &of("b", "on")).unwrap();
        fs::write(dir.join("by-hand.json"), of("a", "off").to_text()).unwrap();
        assert_eq!(remove(dir, "a", &[], Some(&kept)).unwrap(), 1);
        assert_eq!(names(dir), ["a.json", "b.json"]);
        fs::write(&kept, "{").unwrap();
        assert_eq!(remove(dir, "a", &[], None).unwrap(), 1);
        assert_eq!(names(dir), ["b.json"]);
        assert_eq!(remove(dir, "a", &[], None).unwrap(), 0);
        assert_eq!(remove(&dir.join("absent"), "a", &[], None).unwrap(), 0);
    }

    #[test]
    fn one_call_removes_what_is_known_corrupt_or_one_too_many() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        for number in 0..MAX_FILES {
            fs::write(dir.join(format!("{number:04}.json")), "{").unwrap();
        }
        let corrupt = OsStr::from_bytes(b"by-hand-\xff.json");
        fs::write(dir.join(corrupt), "{").unwrap();
        fs::write(dir.join("z.json"), of("a", "off").to_text()).unwrap();
        write(dir, &of("a", "on")).unwrap();
        assert_eq!(remove(dir, "a", &["by-hand-\\xff.json"], None).unwrap(), 3);
        assert_eq!(fs::read_dir(dir).unwrap().count(), MAX_FILES);
    }

    #[test]
    fn names_that_are_not_utf8_are_other_names() {
        let dir = tempfile::tempdir().unwrap();
        let names: [&[u8]; 4] =
            [b"\xfe.json", b"\xff.json", b"\\xff.json", "\u{fffd}.json".as_bytes()];
        for name in names {
            fs::write(dir.path().join(OsStr::from_bytes(name)), of("a", "on").to_text()).unwrap();
        }
        let mut shown = self::names(dir.path());
        shown.sort();
        assert_eq!(shown, ["\\\\xff.json", "\\xfe.json", "\\xff.json", "\u{fffd}.json"]);
    }
}
