//! Which names a path goes through, and what each of them means right now.
//!
//! One rule makes every way of updating a file visible: a directory matters if a name is looked
//! up in it on the way to the file, whether that name is a directory, a link or missing.

use super::listing::is_flag_file;
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    path::{Component, Path, PathBuf},
};

/// The kernel's own limit on links followed for one path.
const MAX_LINKS: usize = 40;

/// Everything the source paths depend on. Two equal chains lead to the same files.
#[derive(Debug, Default, PartialEq, Eq)]
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
        // Only an empty path or a lost working directory fails, and neither can be watched.
        let Ok(path) = std::path::absolute(path) else { return };
        let Some(directory) = self.resolve(&path) else { return };
        // A file fails to list, and so does a directory that has just gone.
        let Ok(entries) = fs::read_dir(&directory) else { return };
        let entries: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        for entry in entries.iter().filter(|entry| is_flag_file(entry)) {
            self.resolve(entry);
        }
        self.listed.insert(directory);
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
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// The directories at or below `root` that `path` depends on, relative to it.
    fn below(root: &Path, path: &str) -> Vec<String> {
        let chain = Chain::of(&[root.join(path)]);
        let below = |dir: &&Path| dir.strip_prefix(root).ok().map(|dir| dir.display().to_string());
        chain.directories().iter().filter_map(below).collect()
    }

    #[track_caller]
    fn check(root: &Path, path: &str, expected: &[&str]) {
        assert_eq!(below(root, path), expected, "for {path}");
    }

    fn root() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        (dir, root)
    }

    #[test]
    fn every_directory_on_the_way_is_watched_up_to_the_root() {
        let (_dir, root) = root();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/flags.json"), "").unwrap();
        check(&root, "a/b/flags.json", &["", "a", "a/b"]);
        let chain = Chain::of(&[root.join("a/b/flags.json")]);
        assert!(root.ancestors().all(|dir| chain.directories().contains(dir)));
    }

    #[test]
    fn links_are_followed_wherever_they_lead() {
        let (_dir, root) = root();
        fs::create_dir_all(root.join("mount/..2026_1")).unwrap();
        fs::write(root.join("mount/..2026_1/flags.json"), "").unwrap();
        symlink("..2026_1", root.join("mount/..data")).unwrap();
        symlink("..data/flags.json", root.join("mount/flags.json")).unwrap();
        check(&root, "mount/flags.json", &["", "mount", "mount/..2026_1"]);

        fs::create_dir_all(root.join("git/rev/deep")).unwrap();
        fs::create_dir_all(root.join("other")).unwrap();
        symlink(root.join("git/rev"), root.join("current")).unwrap();
        symlink("../../../other/real", root.join("git/rev/deep/flags.json")).unwrap();
        check(&root, "current/deep/flags.json", &["", "git", "git/rev", "git/rev/deep", "other"]);
        check(&root, "current/../mount/flags.json", &["", "git"]);
    }

    #[test]
    fn a_missing_part_leaves_the_nearest_ancestor() {
        let (_dir, root) = root();
        fs::create_dir(root.join("a")).unwrap();
        check(&root, "a/b/c/flags.json", &["", "a"]);
        fs::write(root.join("file"), "").unwrap();
        check(&root, "file/flags.json", &[""]);
    }

    #[test]
    fn a_loop_of_links_ends() {
        let (_dir, root) = root();
        symlink("b", root.join("a")).unwrap();
        symlink("a", root.join("b")).unwrap();
        check(&root, "a/flags.json", &[""]);
    }

    #[test]
    fn a_directory_is_watched_with_what_its_flag_files_lead_to() {
        let (_dir, root) = root();
        fs::create_dir_all(root.join("flags")).unwrap();
        fs::create_dir_all(root.join("store/private")).unwrap();
        symlink("../store/a", root.join("flags/a.yaml")).unwrap();
        symlink("../store/private/b", root.join("flags/.hidden.json")).unwrap();
        check(&root, "flags", &["", "flags", "store"]);

        let chain = Chain::of(&[root.join("flags")]);
        for (name, expected) in [
            ("flags", true),
            ("flags/later.yml", true),
            ("flags/a.yaml", true),
            ("store/a", true),
            ("store/b", false),
            ("flags/.later.json", false),
            ("flags/later.json~", false),
            ("later.json", false),
        ] {
            assert_eq!(chain.concerns(&root.join(name)), expected, "{name}");
        }
    }

    #[test]
    fn a_plain_file_of_a_directory_is_not_a_swap() {
        let (_dir, root) = root();
        fs::create_dir(root.join("flags")).unwrap();
        symlink("one", root.join("flags/b.yaml")).unwrap();
        let chain = || Chain::of(&[root.join("flags")]);
        let before = chain();
        fs::write(root.join("flags/a.yaml"), "").unwrap();
        assert!(before.is_same_moment(&chain()));
        fs::remove_file(root.join("flags/b.yaml")).unwrap();
        symlink("two", root.join("flags/b.yaml")).unwrap();
        assert!(!before.is_same_moment(&chain()));
        let before = chain();
        fs::rename(root.join("flags"), root.join("other")).unwrap();
        assert!(!before.is_same_moment(&chain()));
    }

    #[test]
    fn a_file_is_followed_to_its_physical_path() {
        let (_dir, root) = root();
        fs::create_dir(root.join("real")).unwrap();
        fs::write(root.join("real/a.yaml"), "").unwrap();
        symlink("real", root.join("way")).unwrap();
        let (chain, reached) = Chain::follow(&root.join("way/a.yaml"));
        assert_eq!(reached, Some(root.join("real/a.yaml")));
        assert!(chain.concerns(&root.join("way")) && !chain.concerns(&root.join("real/b.yaml")));
        assert_eq!(Chain::follow(&root.join("way/no.yaml")).1, None);
    }

    #[test]
    fn a_link_that_leads_elsewhere_makes_another_chain() {
        let (_dir, root) = root();
        symlink("one", root.join("flags.json")).unwrap();
        let before = Chain::of(&[root.join("flags.json")]);
        assert_eq!(before, Chain::of(&[root.join("flags.json")]));
        fs::remove_file(root.join("flags.json")).unwrap();
        symlink("two", root.join("flags.json")).unwrap();
        assert_ne!(before, Chain::of(&[root.join("flags.json")]));
    }
}
