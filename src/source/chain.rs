//! Which names a path goes through, and what each of them means right now.
//!
//! One rule makes every way of updating a file visible: a directory matters if a name is looked
//! up in it on the way to the file, whether that name is a directory, a link or missing.

use crate::files::listing::is_flag_file;
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

/// The kernel's own limit on links followed for one path.
const MAX_LINKS: usize = 40;

/// Everything the source paths depend on. Two equal chains lead to the same files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    /// Every name looked up, under its physical directory (one without links in it).
    names: BTreeMap<PathBuf, Meaning>,
    /// Source directories: each flag file in them matters, also one that comes later.
    listed: BTreeSet<PathBuf>,
}

/// What a name stood for when it was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Meaning {
    Missing,
    Link(PathBuf),
    Directory,
    File,
}

impl Chain {
    /// Follows every path, and for a directory every flag file in it.
    pub(crate) fn of<'p>(paths: impl IntoIterator<Item = &'p PathBuf>) -> Self {
        let mut chain = Self::default();
        for path in paths {
            chain.add(path);
        }
        chain
    }

    /// As [`Chain::of`], without what the entries of a directory lead to. Returns those that may
    /// be links.
    pub(crate) fn without_entries(path: &Path) -> (Self, Vec<PathBuf>) {
        let mut chain = Self::default();
        let entries = chain.add_way(path);
        (chain, entries)
    }

    /// All that these depend on.
    pub(crate) fn merged<'c>(chains: impl IntoIterator<Item = &'c Arc<Self>>) -> Self {
        let mut merged = Self::default();
        for chain in chains {
            let names = chain.names.iter().map(|(name, meaning)| (name.clone(), meaning.clone()));
            merged.names.extend(names);
            merged.listed.extend(chain.listed.iter().cloned());
        }
        merged
    }

    /// Follows one path as a file. Returns the physical path as well, if it leads anywhere.
    pub(crate) fn follow(path: &Path) -> (Self, Option<PathBuf>) {
        let mut chain = Self::default();
        let path = std::path::absolute(path).ok();
        let reached = path.and_then(|path| chain.resolve(&path));
        (chain, reached)
    }

    /// Whether the paths lead to the same files. A plain file that comes to or leaves a listed
    /// directory makes no difference: nothing is swapped by it.
    pub(crate) fn is_same_moment(&self, other: &Self) -> bool {
        self.listed == other.listed && self.ways().eq(other.ways())
    }

    fn ways(&self) -> impl Iterator<Item = (&PathBuf, &Meaning)> {
        self.names.iter().filter(|(name, meaning)| {
            let is_listed = || name.parent().is_some_and(|parent| self.listed.contains(parent));
            **meaning != Meaning::File || !is_listed()
        })
    }

    /// Every directory whose change can change what a path means. The nearest existing ancestor
    /// of a missing part is among them, and so is every directory above.
    pub(crate) fn directories(&self) -> BTreeSet<&Path> {
        let parents = self.names.keys().filter_map(|name| name.parent());
        parents.chain(self.listed.iter().map(PathBuf::as_path)).collect()
    }

    /// Whether a change of this name can matter; false only where that is certain.
    pub(crate) fn concerns(&self, path: &Path) -> bool {
        let listed = || path.parent().is_some_and(|parent| self.listed.contains(parent));
        self.names.contains_key(path) || (is_flag_file(path) && listed())
    }

    fn add(&mut self, path: &Path) {
        for entry in self.add_way(path) {
            self.resolve(&entry);
        }
    }

    /// Adds the way to a path, and the plain files of a directory. Returns its other entries.
    fn add_way(&mut self, path: &Path) -> Vec<PathBuf> {
        let mut others = Vec::new();
        // Only an empty path or a lost working directory fails, and neither can be watched.
        let Ok(path) = std::path::absolute(path) else { return others };
        let Some(directory) = self.resolve(&path) else { return others };
        // A file fails to list, and so does a directory that has just gone.
        let Ok(entries) = fs::read_dir(&directory) else { return others };
        for entry in entries.flatten() {
            let path = entry.path();
            // A plain file is not looked up: it may be on a file system that does not answer.
            match entry.file_type() {
                _ if !is_flag_file(&path) => {}
                Ok(found) if found.is_file() => {
                    self.names.entry(path).or_insert(Meaning::File);
                }
                _ => others.push(path),
            }
        }
        self.listed.insert(directory);
        others
    }

    /// Walks an absolute path the way the kernel does, noting each name looked up. Returns the
    /// physical path it leads to, if it leads anywhere.
    fn resolve(&mut self, path: &Path) -> Option<PathBuf> {
        let mut reached = PathBuf::new();
        let mut ahead = steps(path);
        let mut links = 0;
        while let Some(step) = ahead.pop() {
            match Path::new(&step).components().next()? {
                Component::ParentDir => _ = reached.pop(),
                Component::Normal(name) => {
                    let name = reached.join(name);
                    match self.look_up(&name) {
                        Meaning::Link(target) if links < MAX_LINKS => {
                            links += 1;
                            ahead.extend(steps(&target));
                        }
                        Meaning::Directory => reached = name,
                        Meaning::File if ahead.is_empty() => reached = name,
                        Meaning::Missing | Meaning::Link(_) | Meaning::File => return None,
                    }
                }
                // An absolute path, or an absolute target, starts over.
                Component::RootDir | Component::Prefix(_) => reached.push(&step),
                Component::CurDir => {}
            }
        }
        Some(reached)
    }

    fn look_up(&mut self, name: &Path) -> Meaning {
        if let Some(meaning) = self.names.get(name) {
            return meaning.clone();
        }
        let meaning = match fs::symlink_metadata(name) {
            Ok(found) if found.is_dir() => Meaning::Directory,
            Ok(found) if found.is_symlink() => {
                fs::read_link(name).map_or(Meaning::Missing, Meaning::Link)
            }
            Ok(_) => Meaning::File,
            Err(_) => Meaning::Missing,
        };
        self.names.insert(name.to_path_buf(), meaning.clone());
        meaning
    }
}

/// The components of a path, last one first, so that the next one is popped.
fn steps(path: &Path) -> Vec<OsString> {
    path.components().rev().map(|step| step.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests;
