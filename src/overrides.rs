//! Local, time-limited decisions above all files: which are in force, and which cannot be served.
//!
//! A kill must not wait for a file to be rolled out. What is in the directory is read at each look;
//! time is an argument everywhere.

pub(crate) mod announce;
mod beneath;
pub(crate) mod directory;
pub(crate) mod override_file;
pub(crate) mod scan;
mod standing;

use crate::{
    clock::TimeSpan,
    files::disk::{Disk, ScanCause},
    overrides::{
        announce::LoggedOverrides,
        override_file::Override,
        scan::{FoundOverrides, OverrideContent, OverrideReader},
    },
    report::chain,
};
use directory::{HANGS, shown};
use flagstaff_core::{LayerFlag, document::yaml_bool::suggest_variant, suggest};
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::PathBuf,
    time::{Instant, SystemTime},
};

/// The overrides of one directory, and what they came to at the last look.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    directory: Option<PathBuf>,
    /// By name of file; of two for one flag the last counts.
    files: BTreeMap<OsString, Known>,
    /// What is wrong with the directory as a whole.
    trouble: Option<String>,
    /// The files in force at the last look.
    in_force: Vec<OsString>,
    /// Until when that is so, and since when.
    holds: TimeSpan,
    /// Of the files in force, why one is not served; none of them was tried yet without it.
    verdicts: BTreeMap<OsString, Result<(), String>>,
    /// Something is new since the last decision.
    due: bool,
    told: LoggedOverrides,
    reader: OverrideReader,
}

/// What is known of a file.
#[derive(Debug, Clone, PartialEq)]
struct Known {
    /// The last good content: a slip of the pen must not undo a kill.
    content: Option<Override>,
    /// What is wrong with the file as it is now.
    problem: Option<String>,
}

impl Overrides {
    pub(crate) fn new(directory: Option<PathBuf>, disk: Disk) -> Self {
        // Told to others, whose working directory is another.
        let directory = directory.map(|path| std::path::absolute(&path).unwrap_or(path));
        Self { directory, reader: OverrideReader::new(disk), ..Self::default() }
    }

    pub(crate) fn directory(&self) -> Option<&PathBuf> {
        self.directory.as_ref()
    }

    /// Reads the directory, or what the last scan did not wait for.
    pub(crate) fn look(&mut self, now: SystemTime, cause: ScanCause) {
        let Some(directory) = self.directory.clone() else { return };
        let (files, trouble) = match self.reader.read(&directory, cause, Instant::now()) {
            FoundOverrides::Files { files, left_out } => {
                let trouble = (left_out > 0).then(|| {
                    format!("{left_out} more files are not read, because nobody sets so many")
                });
                (files.into_iter().filter_map(|of| self.known(of)).collect(), trouble)
            }
            // Until it can be read again what is known holds.
            FoundOverrides::Failed(error) => {
                let trouble = format!("the directory cannot be read: {}", chain(&error));
                (self.files.clone(), Some(trouble))
            }
            FoundOverrides::Silent { is_reported: true } => {
                (self.files.clone(), Some(format!("the directory {HANGS}")))
            }
            FoundOverrides::Nothing | FoundOverrides::Silent { is_reported: false } => {
                (self.files.clone(), self.trouble.clone())
            }
        };
        let in_force = in_force(&files, now);
        self.due |= files != self.files || in_force != self.in_force || trouble != self.trouble;
        let contents = files.values().filter_map(|known| known.content.as_ref());
        self.holds = TimeSpan::around(now, contents.map(|of| of.until));
        (self.files, self.in_force, self.trouble) = (files, in_force, trouble);
    }

    /// Whether the directory has not answered yet.
    pub(crate) fn is_hanging(&self) -> bool {
        self.reader.is_hanging()
    }

    /// Whether the directory may have changed since it answered.
    pub(crate) fn has_late_result(&self) -> bool {
        self.reader.has_late_result()
    }

    /// Whether there is anything new to decide.
    pub(crate) fn is_due(&self) -> bool {
        self.due
    }

    /// When to scan again whatever the events say.
    pub(crate) fn again(&self) -> Option<Instant> {
        self.reader.again()
    }

    /// What a scan found of a file, over what is known if it cannot be read any more.
    fn known(&self, (name, content): (OsString, OverrideContent)) -> Option<(OsString, Known)> {
        let before = self.files.get(&name).cloned();
        let last_good = before.as_ref().and_then(|known| known.content.clone());
        let known = match content {
            OverrideContent::Read(Ok(content)) => Known { content: Some(content), problem: None },
            OverrideContent::Read(Err(of)) => Known { content: last_good, problem: Some(of.why) },
            OverrideContent::Silent { is_reported: true } => {
                Known { content: last_good, problem: Some(HANGS.to_owned()) }
            }
            OverrideContent::NotRead | OverrideContent::Silent { is_reported: false } => before?,
        };
        Some((name, known))
    }

    /// Decides which overrides are served, given all flags in the order of their keys: the flags
    /// to put over them, in the same order.
    pub(crate) fn decide(&mut self, flags: &[&LayerFlag]) -> Vec<LayerFlag> {
        self.due = false;
        self.verdicts.clear();
        let mut overridden: BTreeMap<&str, (&OsStr, LayerFlag)> = BTreeMap::new();
        for name in &self.in_force {
            let Some(of) = self.files.get(name).and_then(|known| known.content.as_ref()) else {
                continue;
            };
            let verdict = serve(of, flags).map(|flag| {
                if let Some((earlier, _)) = overridden.insert(&of.flag, (name, flag)) {
                    let name = shown(name);
                    let why =
                        format!("{name} overrides the same flag, and the last by name counts");
                    self.verdicts.insert(earlier.to_owned(), Err(why));
                }
            });
            self.verdicts.insert(name.clone(), verdict);
        }
        overridden.into_values().map(|(_, flag)| flag).collect()
    }

    /// The time in which these are in force, if the directory stays as it is.
    pub(crate) fn holds(&self) -> TimeSpan {
        self.holds
    }
}

/// The names of the files whose overrides have not ended.
fn in_force(files: &BTreeMap<OsString, Known>, now: SystemTime) -> Vec<OsString> {
    let holds = |known: &Known| known.content.as_ref().is_some_and(|of| of.holds_at(now));
    files.iter().filter(|(_, known)| holds(known)).map(|(name, _)| name.clone()).collect()
}

/// The flag that an override makes, or why it cannot.
fn serve(of: &Override, flags: &[&LayerFlag]) -> Result<LayerFlag, String> {
    let Override { flag: key, variant, .. } = of;
    let keys = || flags.iter().map(|flag| flag.flag().key());
    let place = flags.binary_search_by(|flag| flag.flag().key().cmp(key));
    let Some(flag) = place.ok().and_then(|place| flags.get(place)) else {
        return Err(format!("no flag \"{key}\"; {}", suggest(key, keys(), "no file defines it")));
    };
    flag.overridden(variant).ok_or_else(|| {
        let names = || flag.flag().variants().iter().map(flagstaff_core::Variant::name);
        match names().next() {
            None => format!("flag \"{key}\" has no variants: its definition is broken"),
            Some(_) => {
                let others = format!("it has {}", names().collect::<Vec<_>>().join(", "));
                let help = suggest_variant(variant, names(), &others);
                format!("flag \"{key}\" has no variant \"{variant}\"; {help}")
            }
        }
    })
}

#[cfg(test)]
mod tests;
