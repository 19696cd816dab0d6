//! Whether a flag is switched off, in any of its copies: a merge can leave a flag in a file twice.
//!
//! Duplicates are errors of their flag. A kill holds all the same, whichever copy it stands in, and
//! also if its value is another than `true`.

use crate::{
    diagnostic::{Diagnostic, Path, Target},
    document::{
        json::{Indexed, Json},
        kill_detection::{
            AstrayKill, KILL_TOO_DEEP, SwitchedOff, ends_like_a_kill, is_kill, kill_below,
            kill_in_metadata, may_name_a_kill, reads_as_true,
        },
        members::Members,
        yaml_bool,
    },
};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What is wrong with a kill that became a sibling of its flag.
const KILL_TOO_SHALLOW: &str = "stands outside of its flag, too shallow; the kill holds";

/// What is wrong with a kill in a variant, a condition or the like.
const KILL_BELOW: &str = "stands too deep in the flag; the kill holds";

/// What is wrong with a text that ends like a kill. A flag that was killed before stays killed.
pub(crate) const KILL_IN_TEXT: &str = "ends like a kill, which a text is not";

/// What the copies of a flag say of its kill and its state.
#[derive(Debug, Default)]
pub(super) struct Switches {
    killed: bool,
    disabled: bool,
    /// The errors of members that do not say it as they should, by the name as it is written.
    unclear: BTreeMap<String, Diagnostic>,
    /// The errors of kills that stand beside the members of their flag: in its metadata, or among flags.
    astray: Vec<Diagnostic>,
}

impl Switches {
    /// Reads every copy of the flag at `path`, and each of several members of the same name.
    pub(super) fn of(copies: &[&RawValue], path: &Path) -> Self {
        let mut switches = Self::default();
        let all: Vec<_> = copies.iter().filter_map(|raw| Members::parse(raw)).collect();
        for (metadata, name) in all.iter().filter_map(kill_in_metadata) {
            switches.killed = true;
            let path = path.member(&metadata).member(&name).target(Target::Name);
            let help = "write killed: true beside metadata, or remove it to end the kill";
            switches.astray.push(Diagnostic::error(path, KILL_TOO_DEEP, help));
        }
        let says_itself = all.iter().flat_map(|all| &all.0).any(|(name, _)| is_kill(name));
        for (name, value) in all.into_iter().flat_map(|all| all.0) {
            let (is_kill, is_state) = (is_kill(&name), name.trim() == "state");
            let may_hold_one = !says_itself && may_name_a_kill(value.get());
            if !is_kill && !is_state && !may_hold_one {
                continue;
            }
            let indexed = Indexed::new(value.get());
            let value = indexed.as_ref().map_or(Json::Null, Indexed::value);
            if is_kill {
                switches.kill(&name, value, path);
            }
            if is_state {
                switches.disabled |= value.as_str().is_some_and(|is| is == "DISABLED");
            }
            if may_hold_one {
                switches.kill_below(&name, value, path);
            }
        }
        switches
    }

    /// Adds a kill that stands outside of this flag: its indentation was lost.
    pub(super) fn kill_beside(&mut self, (name, kill): (&str, AstrayKill), path: &Path) {
        let (message, help) = match kill {
            AstrayKill::Holds => {
                self.killed = true;
                (KILL_TOO_SHALLOW, "indent it like serve, or remove it to end the kill")
            }
            AstrayKill::Unclear => (
                "stands outside of its flag, and is neither true nor false",
                "indent it like serve, and write true or false",
            ),
        };
        let message = format!("{} {message}", name.trim());
        self.astray.push(Diagnostic::error(path.clone(), message, help));
    }

    /// Adds a kill that stands deeper in a member than it counts, and the first text that ends like one.
    fn kill_below(&mut self, name: &str, value: Json<'_>, path: &Path) {
        let member = path.member(name);
        // Metadata has an error of its own for a kill right below it.
        if let Some(below) = kill_below(value).filter(|_| !self.killed) {
            self.killed = true;
            let path = below.iter().fold(member, |path, name| path.member(name));
            let help = "write killed: true in the flag itself; or killed: false, if this is data";
            self.astray.push(Diagnostic::error(path.target(Target::Name), KILL_BELOW, help));
            return;
        }
        let is_told = self.astray.iter().any(|told| *told.message == *KILL_IN_TEXT);
        if !is_told && ends_like_a_kill(value) {
            let help = "write it in a line of the flag itself, or killed: false";
            self.astray.push(Diagnostic::warning(member, KILL_IN_TEXT, help));
        }
    }

    /// How the flag is switched off. A kill comes before a state.
    pub(super) fn off(&self) -> Option<SwitchedOff> {
        if self.killed {
            return Some(SwitchedOff::Killed);
        }
        self.disabled.then_some(SwitchedOff::Disabled)
    }

    /// The names of members that do not say what they should.
    pub(super) fn unclear(&self) -> impl Iterator<Item = &str> {
        self.unclear.keys().map(String::as_str)
    }

    pub(super) fn is_unclear(&self, name: &str) -> bool {
        self.unclear.contains_key(name)
    }

    /// What is wrong with unclear members.
    pub(super) fn finish(self) -> impl Iterator<Item = Diagnostic> {
        self.unclear.into_values().chain(self.astray)
    }

    /// `killed`, in any case of its letters.
    fn kill(&mut self, name: &str, value: Json<'_>, path: &Path) {
        match yaml_bool::truth_of(value) {
            Some(truth) => self.killed |= truth,
            None => {
                let holds = reads_as_true(value);
                self.killed |= holds;
                let (message, help) = match holds {
                    true => (
                        "is neither true nor false; the kill holds",
                        "write killed: true, or remove it to end the kill",
                    ),
                    false => ("is neither true nor false", "write true or false"),
                };
                let error = Diagnostic::error(path.member(name), message, help);
                self.unclear.insert(name.to_owned(), error);
            }
        }
    }
}
