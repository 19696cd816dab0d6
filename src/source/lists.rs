//! Lists of units that a readable flag file names, each a text file beside it.

use super::read::{ReadError, read};
use crate::{
    flag::{Digest, Format, List, Lists, lists_named},
    telemetry::report,
};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// A flag file as it was read, with its lists.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) content: Vec<u8>,
    pub(crate) lists: Lists,
}

/// What a look met, by which the next one knows whether anything is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Of all that was read.
    pub(super) digest: Digest,
    /// Of the flag file alone.
    file: Digest,
    lists: Box<[Box<str>]>,
}

impl Loaded {
    /// Reads a flag file and its lists, together at most `max_bytes`.
    pub(crate) fn read(path: &Path, max_bytes: u64) -> Result<Self, ReadError> {
        Ok(Self::look(path, None, max_bytes)?.0)
    }

    /// Adds the lists that `content` names. They are beside `path`.
    pub(crate) fn with_lists(
        content: Vec<u8>,
        format: Format,
        path: &Path,
        max_bytes: u64,
    ) -> Self {
        let mut room = max_bytes.saturating_sub(content.len() as u64);
        let read_one = |name: Box<str>| {
            let list = match read(&beside(path, &name), room) {
                Ok(list) => {
                    room = room.saturating_sub(list.len() as u64);
                    entries(&list)
                }
                Err(error) => Err(report::chain(&error)),
            };
            (name, list)
        };
        let lists = lists_named(&content, format).into_iter().map(read_one).collect();
        Self { content, lists }
    }

    /// Reads it again. A file that says what it said names the lists it named.
    pub(super) fn look(
        path: &Path,
        seen: Option<&Stamp>,
        max_bytes: u64,
    ) -> Result<(Self, Stamp), ReadError> {
        let content = read(path, max_bytes)?;
        let file: Digest = Sha256::digest(&content).into();
        let names = match seen.filter(|seen| seen.file == file) {
            Some(seen) => seen.lists.clone(),
            None => lists_named(&content, Format::of(path)).into_iter().collect(),
        };
        let mut room = max_bytes.saturating_sub(content.len() as u64);
        let mut all = Sha256::new_with_prefix(file);
        let mut lists = Lists::new();
        for name in &names {
            let list = match read(&beside(path, name), room) {
                Ok(list) => {
                    room = room.saturating_sub(list.len() as u64);
                    all.update(Sha256::digest(&list));
                    entries(&list)
                }
                Err(error) => {
                    all.update([0]);
                    Err(report::chain(&error))
                }
            };
            lists.insert(name.clone(), list);
        }
        let digest = if names.is_empty() { file } else { all.finalize().into() };
        Ok((Self { content, lists }, Stamp { digest, file, lists: names }))
    }
}

impl Stamp {
    /// Where the lists of the flag file at `path` are.
    pub(super) fn lists(&self, path: &Path) -> impl Iterator<Item = PathBuf> {
        self.lists.iter().map(move |name| beside(path, name))
    }
}

fn beside(path: &Path, name: &str) -> PathBuf {
    path.with_file_name(name)
}

/// One entry on each line. Blank lines and those that begin with `#` are for people.
fn entries(content: &[u8]) -> List {
    let text = std::str::from_utf8(content).map_err(|_| "is not UTF-8 text".to_owned())?;
    let lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().map(str::trim);
    Ok(lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(Box::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const FILE: &str = "flagstaff: 1\nflags: { f: { rules: \
                        [{ if: { id: { in_list: ids.txt } }, serve: on }] } }";

    #[test]
    fn a_list_is_read_with_its_file_and_makes_it_new() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("flags.yaml");
        fs::write(&path, FILE).unwrap();
        let (loaded, missing) = Loaded::look(&path, None, 1 << 20).unwrap();
        let why = loaded.lists.get("ids.txt").unwrap().as_ref().unwrap_err();
        assert_eq!(why, "file not found");
        assert_eq!(missing.lists(&path).collect::<Vec<_>>(), [dir.path().join("ids.txt")]);

        fs::write(dir.path().join("ids.txt"), "# from the CRM\n 7 \r\n\n8").unwrap();
        let (loaded, there) = Loaded::look(&path, Some(&missing), 1 << 20).unwrap();
        let list = loaded.lists.get("ids.txt").unwrap().as_ref().unwrap();
        assert_eq!(**list, ["7".into(), "8".into()]);
        assert_ne!(missing.digest, there.digest);
        assert_eq!(Loaded::look(&path, Some(&there), 1 << 20).unwrap().1, there);

        fs::write(dir.path().join("ids.txt"), [0xff, 0xfe]).unwrap();
        let (loaded, _) = Loaded::look(&path, Some(&there), 1 << 20).unwrap();
        assert!(loaded.lists.get("ids.txt").unwrap().is_err());
        // The lists share the room of their file.
        fs::write(dir.path().join("ids.txt"), "x".repeat(1000)).unwrap();
        let small = Loaded::read(&path, FILE.len() as u64 + 999).unwrap();
        assert!(small.lists.get("ids.txt").unwrap().is_err());
    }
}
