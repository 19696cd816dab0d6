//! A flag file with the lists of units that it names, each a text file beside it.

use super::watch::Writes;
use crate::{
    files::read::{ReadError, read},
    report,
    source::{
        half_written::{Loss, WriterState},
        scanned_file::{FilePart, PartStamp},
    },
};
use flagstaff_core::{Digest, Format, List, Lists, lists_named};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// A flag file as it was read, with its lists.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) content: Vec<u8>,
    pub(crate) lists: Lists,
}

/// What a scan met, by which the next one knows whether anything is new.
#[derive(Debug, Clone)]
pub(super) struct Stamp {
    /// Of all that was read.
    pub(super) digest: Digest,
    file: PartStamp,
    lists: Box<[(Box<str>, PartStamp)]>,
}

/// A flag file as a scan met it.
#[derive(Debug)]
pub(super) struct Met {
    pub(super) loaded: Loaded,
    pub(super) stamp: Stamp,
    /// The least certain writer of the files that differ from the last time.
    pub(super) writer: WriterState,
    /// How many entries the lists have lost.
    pub(super) list_loss: Loss,
    /// The file or a list ends within a line, which it did not before.
    pub(super) is_cut: bool,
    /// Something was written behind the content of the file or of a list.
    pub(super) is_longer: bool,
    /// The file or a list has no content, as while it is written.
    pub(super) has_blank: bool,
    /// A list that could not be read for the moment.
    pub(super) unread: Option<UnreadList>,
    /// The same as what was seen, but for lists that were not read.
    pub(super) is_same_otherwise: bool,
    /// No directory has the file any more.
    pub(super) is_detached: bool,
}

/// A list that cannot be read for the moment.
#[derive(Debug)]
pub(super) struct UnreadList {
    pub(super) why: String,
    /// It may be read a moment later. Otherwise a call has not returned, and its return is reported.
    pub(super) may_pass: bool,
}

impl Loaded {
    /// Reads a flag file and its lists, together at most `max_bytes`. Returns whether a list may be
    /// readable a moment later.
    pub(crate) fn read(path: &Path, max_bytes: u64) -> Result<(Self, bool), ReadError> {
        let met = Met::read(path, None, max_bytes, &Writes::default(), FilePart::read)?;
        Ok((met.loaded, met.unread.is_some()))
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
}

impl Met {
    /// Reads a flag file and its lists. A file that says what it said names the lists it named.
    pub(super) fn read(
        path: &Path,
        seen: Option<&Stamp>,
        max_bytes: u64,
        writes: &Writes,
        mut read: impl FnMut(&Path, u64) -> FilePart,
    ) -> Result<Self, ReadError> {
        let part = read(path, max_bytes);
        let file = part.stamp();
        let before = seen.map(|seen| &seen.file);
        let is_same = before.is_some_and(|before| before.digest == file.digest);
        let mut writer = part.writer(&file, before, writes);
        let is_yaml = Format::of(path) == Format::Yaml;
        let mut is_cut = is_yaml && before.is_some_and(|before| file.is_cut_since(before));
        let mut is_longer = before.is_some_and(|before| part.is_appended_to(before));
        let content = part.content?;
        let is_detached = content.is_detached;
        let content = content.bytes;
        let names: Box<[Box<str>]> = match seen.filter(|_| is_same) {
            Some(seen) => seen.lists.iter().map(|(name, _)| name.clone()).collect(),
            None => lists_named(&content, Format::of(path)).into_iter().collect(),
        };
        let mut room = max_bytes.saturating_sub(content.len() as u64);
        let mut all = Sha256::new_with_prefix(file.digest);
        let (mut lists, mut stamps) = (Lists::new(), Vec::new());
        let (mut has_blank, mut unread) = (content.is_empty(), None);
        let mut is_same_otherwise = is_same;
        let mut list_loss = Loss::None;
        for name in &names {
            let part = read(&beside(path, name), room);
            let mut stamp = part.stamp();
            let before = seen.and_then(|seen| seen.list(name));
            let list_writer = part.writer(&stamp, before, writes);
            is_cut |= before.is_some_and(|before| stamp.is_cut_since(before));
            is_longer |= before.is_some_and(|before| part.is_appended_to(before));
            all.update(stamp.digest);
            let entries_before = before.map_or(0, |before| before.entries);
            let mut is_unread = false;
            let list = match part.content {
                Ok(content) => {
                    room = room.saturating_sub(content.bytes.len() as u64);
                    has_blank |= is_blank(&content.bytes);
                    entries(&content.bytes)
                }
                Err(error) => {
                    let (why, may_pass) = (report::chain(&error), error.may_pass());
                    is_unread = may_pass || matches!(error, ReadError::Unanswered);
                    if is_unread {
                        let list = beside(path, name);
                        let why = format!("{}: {why}", list.display());
                        unread = Some(UnreadList { why, may_pass });
                    }
                    Err(why)
                }
            };
            // A list that is not read has no part in the content.
            if !is_unread {
                writer = writer.max(list_writer);
            }
            is_same_otherwise &=
                before.is_some_and(|before| is_unread || before.digest == stamp.digest);
            stamp.entries = list.as_ref().map_or(entries_before, |list| list.len());
            let lost = entries_before.saturating_sub(stamp.entries);
            list_loss = list_loss.max(Loss::of(lost, entries_before));
            lists.insert(name.clone(), list);
            stamps.push((name.clone(), stamp));
        }
        let digest = if names.is_empty() { file.digest } else { all.finalize().into() };
        let stamp = Stamp { digest, file, lists: stamps.into() };
        let loaded = Loaded { content, lists };
        Ok(Self {
            loaded,
            stamp,
            writer,
            list_loss,
            is_cut,
            is_longer,
            has_blank,
            unread,
            is_same_otherwise,
            is_detached,
        })
    }
}

impl Stamp {
    /// Where the lists of the flag file at `path` are.
    pub(super) fn lists(&self, path: &Path) -> impl Iterator<Item = PathBuf> {
        self.lists.iter().map(move |(name, _)| beside(path, name))
    }

    /// Whether both are of one flag file, or of copies of it.
    pub(super) fn is_same_file(&self, other: &Self) -> bool {
        self.file.digest == other.file.digest || self.file.is_same_file(&other.file)
    }

    fn list(&self, name: &str) -> Option<&PartStamp> {
        self.lists.iter().find(|(known, _)| **known == *name).map(|(_, stamp)| stamp)
    }
}

fn beside(path: &Path, name: &str) -> PathBuf {
    path.with_file_name(name)
}

fn is_blank(content: &[u8]) -> bool {
    let text = content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content);
    text.iter().all(u8::is_ascii_whitespace)
}

/// One entry on each line. Blank lines and those that begin with `#` are for people.
fn entries(content: &[u8]) -> List {
    if is_blank(content) {
        return Err("is empty; a list without entries has a comment line such as # none".to_owned());
    }
    let text = std::str::from_utf8(content).map_err(|_| "is not UTF-8 text".to_owned())?;
    if text.contains('\0') {
        return Err("has a NUL character, so it is not a text; save it as UTF-8".to_owned());
    }
    // Old programs of the Macintosh end lines with a carriage return alone.
    let lines = text.strip_prefix('\u{feff}').unwrap_or(text).split(['\n', '\r']).map(str::trim);
    Ok(lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(Box::from).collect())
}

#[cfg(test)]
mod tests;
