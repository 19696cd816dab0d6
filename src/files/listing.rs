//! Which files a configured PATH means: itself, or the flag files of a directory.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// What a configured PATH is. Its name says so, since nothing has to be there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// One flag file.
    File,
    /// A directory; each flag file in it is a layer.
    Directory,
}

impl FileKind {
    pub(crate) fn of(path: &Path) -> Self {
        if has_extension(path) { Self::File } else { Self::Directory }
    }
}

/// Why a directory of flag files cannot be listed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListError {
    /// Nothing there, or a link that leads nowhere.
    #[error("directory not found")]
    NotFound,
    /// Something else under that name.
    #[error("is a file, but no flag file: its name must end in .json, .yaml or .yml")]
    NotDirectory,
    /// A volume that is not mounted (yet) looks like this too.
    #[error("has no flag file: none whose name ends in .json, .yaml or .yml")]
    Empty,
    /// Closed to this user.
    #[error("permission denied for the user this process runs as")]
    PermissionDenied(#[source] io::Error),
    /// A call that has not returned, as on a mount whose server is gone.
    #[error("does not answer: its file system may hang")]
    Unanswered,
    /// Anything else the file system answers.
    #[error("cannot be listed")]
    Io(#[source] io::Error),
}

impl From<io::Error> for ListError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::NotADirectory => Self::NotDirectory,
            io::ErrorKind::PermissionDenied => Self::PermissionDenied(error),
            _ => Self::Io(error),
        }
    }
}

/// Whether a directory given as a source reads this entry: not hidden, and `.json`, `.yaml` or
/// `.yml`.
pub(crate) fn is_flag_file(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && has_extension(path)
}

fn has_extension(path: &Path) -> bool {
    path.extension().is_some_and(|ext| ext == "json" || ext == "yaml" || ext == "yml")
}

/// The flag files of a directory, in the order of their names.
pub(crate) fn list(directory: &Path) -> Result<Vec<PathBuf>, ListError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if is_flag_file(&path) {
            files.push(path);
        }
    }
    files.sort_unstable();
    if files.is_empty() { Err(ListError::Empty) } else { Ok(files) }
}

/// The files that a PATH means at the moment, in the order in which later ones win.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>, ListError> {
    match FileKind::of(path) {
        FileKind::File => Ok(vec![path.to_path_buf()]),
        FileKind::Directory => list(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_gives_its_flag_files_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        assert!(matches!(list(root), Err(ListError::Empty)));
        assert!(matches!(list(&root.join("no")), Err(ListError::NotFound)));
        for name in ["b.yaml", "a.json", "10.yml", ".hidden.json", "a.json~", "README", "B.json"] {
            fs::write(root.join(name), "").unwrap();
        }
        fs::create_dir(root.join("below")).unwrap();
        fs::write(root.join("below/c.json"), "").unwrap();
        let names = |path: &Path| -> Vec<_> {
            let files = files(path).unwrap();
            files.iter().map(|file| file.strip_prefix(root).unwrap().to_owned()).collect()
        };
        assert_eq!(names(root), ["10.yml", "B.json", "a.json", "b.yaml"].map(PathBuf::from));
        assert_eq!(names(&root.join(".hidden.json")), [PathBuf::from(".hidden.json")]);
        assert!(matches!(files(&root.join("README")), Err(ListError::NotDirectory)));
    }
}
