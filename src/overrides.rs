//! Local, time-limited decisions above all files: which are in force, and which cannot be served.
//!
//! A kill must not wait for a file to be rolled out. What is in the directory is read at each look;
//! time is an argument everywhere.

mod beneath;
pub(crate) mod directory;
pub(crate) mod entry;
mod loud;

use crate::{
    clock::Span,
    flag::{LayerFlag, suggest},
    source::disk::{Disk, Operation},
    telemetry::report::chain,
};
use directory::{Listing, shown};
use entry::Override;
use loud::Told;
use serde_json::{Value as Json, json};
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::PathBuf,
    time::SystemTime,
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
    holds: Span,
    /// Of the files in force, why one is not served; none of them was tried yet without it.
    verdicts: BTreeMap<OsString, Result<(), String>>,
    /// Something is new since the last decision.
    due: bool,
    told: Told,
    disk: Disk,
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
        Self { directory, disk, ..Self::default() }
    }

    pub(crate) fn directory(&self) -> Option<&PathBuf> {
        self.directory.as_ref()
    }

    /// Reads the directory.
    pub(crate) fn look(&mut self, now: SystemTime) {
        let Some(directory) = self.directory.clone() else { return };
        self.disk.begin_scan();
        let path = directory.clone();
        let listed =
            self.disk.run(Operation::Overrides, &directory, move || directory::list(&path));
        let (files, trouble) = match listed {
            Some(Ok(listing)) => {
                let trouble = (listing.left_out > 0).then(|| {
                    let count = listing.left_out;
                    format!("{count} more files are not read, because nobody sets so many")
                });
                (self.known(listing), trouble)
            }
            // Until it can be read again what is known holds.
            Some(Err(error)) => {
                let trouble = format!("the directory cannot be read: {}", chain(&error));
                (self.files.clone(), Some(trouble))
            }
            None => {
                let trouble = "the directory does not answer: its file system may hang";
                (self.files.clone(), Some(trouble.to_owned()))
            }
        };
        let in_force = in_force(&files, now);
        self.due |= files != self.files || in_force != self.in_force || trouble != self.trouble;
        let contents = files.values().filter_map(|known| known.content.as_ref());
        self.holds = Span::around(now, contents.map(|of| of.until));
        (self.files, self.in_force, self.trouble) = (files, in_force, trouble);
    }

    /// Whether the directory has not answered yet.
    pub(crate) fn is_hanging(&self) -> bool {
        self.disk.is_hanging()
    }

    /// Whether the directory may have changed since it answered.
    pub(crate) fn has_late_result(&self) -> bool {
        self.disk.has_late_result()
    }

    /// Whether there is anything new to decide.
    pub(crate) fn is_due(&self) -> bool {
        self.due
    }

    /// What was read, over what is known of files that cannot be read any more.
    fn known(&self, listing: Listing) -> BTreeMap<OsString, Known> {
        let known = |(name, content): (OsString, Result<Override, String>)| {
            let known = match content {
                Ok(content) => Known { content: Some(content), problem: None },
                Err(problem) => {
                    let before = self.files.get(&name);
                    let content = before.and_then(|known| known.content.clone());
                    Known { content, problem: Some(problem) }
                }
            };
            (name, known)
        };
        listing.files.into_iter().map(known).collect()
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
    pub(crate) fn holds(&self) -> Span {
        self.holds
    }

    /// The files that matter to whoever asks: those in force, and those that cannot be read.
    fn standing(&self) -> impl Iterator<Item = Standing<'_>> {
        self.files.iter().filter_map(|(name, known)| {
            let content = known.content.as_ref().filter(|_| self.in_force.contains(name));
            let verdict = self.verdicts.get(name);
            let not_tried = || "no flags are served yet".to_owned();
            let problem = match (&known.problem, verdict) {
                (Some(problem), _) => Some(match content {
                    None => problem.clone(),
                    Some(_) => format!("{problem}; what it said before holds until its end"),
                }),
                (None, Some(Err(problem))) => Some(problem.clone()),
                (None, None) => Some(not_tried()),
                (None, Some(Ok(()))) => None,
            };
            let active = content.is_some() && verdict == Some(&Ok(()));
            // One that has ended is of no interest any more.
            (content.is_some() || known.problem.is_some()).then_some(Standing {
                name,
                content,
                active,
                problem,
            })
        })
    }

    /// How many decide, and how many cannot although they should.
    pub(crate) fn count(&self) -> (usize, usize) {
        let active = self.standing().filter(|of| of.active).count();
        let failing = self.standing().filter(|of| !of.active && of.problem.is_some()).count();
        (active, failing + usize::from(self.trouble.is_some()))
    }

    /// What `/status` says of them.
    pub(crate) fn status(&self) -> Vec<Json> {
        let file = |of: Standing<'_>| {
            let content = of.content;
            json!({
                "flag": content.map(|of| &of.flag),
                "variant": content.map(|of| &of.variant),
                "until": content.map(|of| entry::time(of.until)),
                "why": content.map(|of| &of.why),
                "set_at": content.and_then(|of| of.set_at).map(entry::time),
                "file": shown(of.name),
                "active": of.active,
                "problem": of.problem,
            })
        };
        let trouble = self.trouble.iter().map(|problem| {
            json!({"flag": null, "variant": null, "until": null, "why": null, "set_at": null,
                "file": null, "active": false, "problem": problem})
        });
        self.standing().map(file).chain(trouble).collect()
    }
}

/// How the override of a file stands.
struct Standing<'a> {
    name: &'a OsStr,
    /// What it decides, if it has not ended.
    content: Option<&'a Override>,
    active: bool,
    problem: Option<String>,
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
        let names = || flag.flag().variants().iter().map(crate::flag::Variant::name);
        match names().next() {
            None => format!("flag \"{key}\" has no variants: its definition is broken"),
            Some(_) => {
                let others = format!("it has {}", names().collect::<Vec<_>>().join(", "));
                let help = suggest(variant, names(), &others);
                format!("flag \"{key}\" has no variant \"{variant}\"; {help}")
            }
        }
    })
}

#[cfg(test)]
mod tests;
