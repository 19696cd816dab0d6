//! Flags that two files of one directory define. Between PATHs that is meant, in a directory it is
//! most often a mistake.

use super::state::LayerState;
use crate::report::OperatorLog;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// What was last found of one directory: the lower file, the file that wins, and their flags.
#[derive(Debug, Default)]
pub(super) struct Shadowed(BTreeMap<(PathBuf, PathBuf), Vec<Box<str>>>);

impl Shadowed {
    /// Looks through the files, in the order in which later ones win, and tells what is new.
    pub(super) fn update<'a>(
        &mut self,
        directory: &Path,
        files: impl Iterator<Item = &'a LayerState>,
        teller: OperatorLog,
    ) {
        let mut owners: BTreeMap<&str, (&Path, bool)> = BTreeMap::new();
        let mut found: BTreeMap<_, Vec<Box<str>>> = BTreeMap::new();
        for file in files {
            for flag in file.layer.flags() {
                let (key, is_killed) = (flag.flag().key(), flag.flag().is_killed());
                if let Some((lower, was_killed)) = owners.insert(key, (&file.path, is_killed)) {
                    let pair = (lower.to_path_buf(), file.path.clone());
                    // A file that a tool left behind may lift a kill in this way.
                    let told = match was_killed && !is_killed {
                        true => format!("{key}, whose kill is lifted by that,").into(),
                        false => key.into(),
                    };
                    found.entry(pair).or_default().push(told);
                }
            }
        }
        if found != self.0 {
            self.0 = found;
            teller.shadowed(directory, &self.0);
        }
    }
}
