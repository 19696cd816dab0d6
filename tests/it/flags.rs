//! Flag files, real ones: written, renamed over and mounted as people and the kubelet do it.

use serde_json::Value;
use std::{
    cell::Cell,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A flag file in a directory of its own, updated the ways people and the kubelet do it.
pub(crate) struct Flags {
    dir: TempDir,
    path: PathBuf,
    revision: Cell<u32>,
}

impl Flags {
    /// A directory without the file.
    pub(crate) fn absent() -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("flags.json");
        Self { dir, path, revision: Cell::new(0) }
    }

    /// As [`Self::absent`], at another path in the directory.
    pub(crate) fn absent_at(path: &str) -> Self {
        let mut flags = Self::absent();
        flags.path = flags.dir.path().join(path);
        flags
    }

    /// A plain file of another name.
    pub(crate) fn named(name: &str, content: &Value) -> Self {
        let flags = Self::absent_at(name);
        flags.write_in_place(content);
        flags
    }

    /// A plain file.
    pub(crate) fn new(content: &Value) -> Self {
        let flags = Self::absent();
        flags.write_in_place(content);
        flags
    }

    /// A mounted ConfigMap.
    pub(crate) fn mounted(content: &Value) -> Self {
        let mut flags = Self::absent();
        flags.path = flags.dir.path().join("mount/flags.json");
        flags.config_map(content);
        flags
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// As an editor that truncates the file, or `cat >`.
    pub(crate) fn write_in_place(&self, content: &Value) {
        self.write_text(&content.to_string());
    }

    pub(crate) fn write_text(&self, content: &str) {
        fs::write(&self.path, content).unwrap();
    }

    /// As an editor that saves beside the file, or `mv`.
    pub(crate) fn rename_over(&self, content: &Value) {
        self.replace(content.to_string());
    }

    /// As [`Self::rename_over`], with any content.
    pub(crate) fn replace(&self, content: impl AsRef<[u8]>) {
        let tmp = self.path.with_extension("tmp");
        fs::write(&tmp, content).unwrap();
        fs::rename(tmp, &self.path).unwrap();
    }

    /// As the kubelet's AtomicWriter: a new directory, a swapped link, the old directory removed.
    pub(crate) fn config_map(&self, content: &Value) {
        let mount = self.path.parent().unwrap();
        fs::create_dir_all(mount).unwrap();
        let old = fs::read_link(mount.join("..data"));
        self.revision.set(self.revision.get() + 1);
        let new = format!("..2026_11_22_{}", self.revision.get());
        fs::create_dir(mount.join(&new)).unwrap();
        fs::write(mount.join(&new).join("flags.json"), content.to_string()).unwrap();
        symlink(&new, mount.join("..data_tmp")).unwrap();
        fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
        match old {
            Ok(old) => fs::remove_dir_all(mount.join(old)).unwrap(),
            Err(_) => symlink("..data/flags.json", &self.path).unwrap(),
        }
    }

    /// A directory of flag files.
    pub(crate) fn directory(files: &[(&str, &Value)]) -> Self {
        let mut flags = Self::absent();
        flags.path = flags.dir.path().join("flags.d");
        fs::create_dir(&flags.path).unwrap();
        for (name, content) in files {
            flags.put(name, content);
        }
        flags
    }

    /// Puts a file of the directory in place, whole.
    pub(crate) fn put(&self, name: &str, content: &Value) {
        let tmp = self.dir.path().join("next");
        fs::write(&tmp, content.to_string()).unwrap();
        fs::rename(tmp, self.path.join(name)).unwrap();
    }

    /// A mounted ConfigMap of several files, given as a directory.
    pub(crate) fn mounted_directory(files: &[(&str, Value)]) -> Self {
        let mut flags = Self::absent();
        flags.path = flags.dir.path().join("mount");
        flags.config_map_of(files);
        flags
    }

    /// As [`Self::config_map`], for the files of a directory.
    pub(crate) fn config_map_of(&self, files: &[(&str, Value)]) {
        let mount = &self.path;
        fs::create_dir_all(mount).unwrap();
        let old = fs::read_link(mount.join("..data"));
        self.revision.set(self.revision.get() + 1);
        let new = format!("..2026_11_22_{}", self.revision.get());
        fs::create_dir(mount.join(&new)).unwrap();
        for (name, content) in files {
            fs::write(mount.join(&new).join(name), content.to_string()).unwrap();
        }
        symlink(&new, mount.join("..data_tmp")).unwrap();
        fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
        for (name, _) in files {
            if !mount.join(name).is_symlink() {
                symlink(Path::new("..data").join(name), mount.join(name)).unwrap();
            }
        }
        if let Ok(old) = old {
            fs::remove_dir_all(mount.join(old)).unwrap();
        }
    }
}

/// Files of this content in a directory of their own.
pub(crate) fn files(of: &[(&str, &str)]) -> TempDir {
    let root = TempDir::new().unwrap();
    for (name, content) in of {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    root
}
