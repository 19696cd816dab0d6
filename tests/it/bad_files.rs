//! What a bad file can do: nothing. The small ones stand in `tests/bad_files`, each in a directory
//! that says what must become of it.

mod check;
mod generated;
mod golden;
mod places;
mod served;
mod storm;
mod thousand;

use std::{fs, path::Path};

/// What becomes of a file, and of the flags in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// Nothing is wrong with it, though it looks odd.
    Good,
    /// It is served whole, and its author is warned.
    Warned,
    /// The flag `greeting` keeps its last good definition, the others are served.
    Quarantined,
    /// Nothing of it is served.
    Refused,
}

impl Fate {
    const ALL: [Self; 4] = [Self::Good, Self::Warned, Self::Quarantined, Self::Refused];

    fn directory(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warned => "warned",
            Self::Quarantined => "quarantined",
            Self::Refused => "refused",
        }
    }
}

/// A bad file.
pub(crate) struct Case {
    fate: Fate,
    name: String,
    content: Vec<u8>,
}

impl Case {
    /// As it is called in the golden texts.
    fn path(&self) -> String {
        format!("{}/{}", self.fate.directory(), self.name)
    }
}

/// Every case of a format, in the order of their paths; the large ones are made.
fn cases(extension: &str) -> Vec<Case> {
    let mut cases: Vec<_> =
        Fate::ALL.into_iter().flat_map(|fate| written(fate, extension)).collect();
    cases.extend(generated::cases().into_iter().filter(|case| case.name.ends_with(extension)));
    cases.sort_by_key(Case::path);
    cases
}

fn written(fate: Fate, extension: &str) -> Vec<Case> {
    let directory = Path::new(ROOT).join(fate.directory());
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|known| known == extension));
    let case = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        Case { fate, name, content: fs::read(path).unwrap() }
    };
    files.map(case).collect()
}

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bad_files");

/// The files are small; a larger one is a case.
const LIMIT: &str = "1MiB";
