//! Whether a flag is switched off, in any of its copies: a merge can leave a flag in a file twice.
//!
//! Duplicates are errors of their flag. A kill holds all the same, whichever copy it stands in, and
//! also if its value is another than `true`.

use crate::{
    diagnostic::{Diagnostic, Path, Target},
    document::{
        json::{Indexed, Json},
        kill_detection::{KILL_TOO_DEEP, SwitchedOff, is_kill, kill_in_metadata, reads_as_true},
        members::Members,
        yaml_bool,
    },
};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What is wrong with a kill that became a sibling of its flag.
const KILL_TOO_SHALLOW: &str = "stands beside its flag, one level too shallow; the kill holds";

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
        for (name, value) in all.into_iter().flat_map(|all| all.0) {
            let is_kill = is_kill(&name);
            if !is_kill && name.trim() != "state" {
                continue;
            }
            let indexed = Indexed::new(value.get());
            let value = indexed.as_ref().map_or(Json::Null, Indexed::value);
            match is_kill {
                true => switches.kill(&name, value, path),
                false => switches.disabled |= value.as_str().is_some_and(|is| is == "DISABLED"),
            }
        }
        switches
    }

    /// Adds a kill that stands among the flags, right after this one: its indentation was lost.
    pub(super) fn kill_beside(&mut self, name: &str, path: &Path) {
        self.killed = true;
        let help = "indent it by two more spaces, or remove it to end the kill";
        self.astray.push(Diagnostic::error(
            path.clone(),
            format!("{name} {KILL_TOO_SHALLOW}"),
            help,
        ));
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
