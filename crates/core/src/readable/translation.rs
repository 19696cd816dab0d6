//! A readable file as flagd reads it, with the facts that its definitions cannot express.

use super::{facts, rollout::HeldStep, variants::put_member};
use crate::{
    diagnostic::{Diagnostic, Path, Step},
    document::kill_detection::SwitchedOff,
};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// A file in the form that flagd reads.
#[derive(Debug)]
pub struct Translation {
    /// Each flag with its definition; of a flag that has none, null.
    pub(crate) definitions: Vec<(Box<str>, Box<str>)>,
    /// Each evaluator with its rule.
    pub(crate) evaluators: Vec<(String, Box<str>)>,
    /// As an object.
    pub(crate) metadata: Option<Box<str>>,
    /// The evaluators that stand for flags that others require.
    pub(crate) required: BTreeSet<String>,
    /// Other evaluators that no flag refers to.
    pub(crate) inner: BTreeSet<String>,
    /// Of each flag that has any.
    pub(crate) found: BTreeMap<String, FlagProblems>,
    /// Of each flag that was understood.
    pub shapes: BTreeMap<String, FlagShape>,
    /// The time zone that the file names.
    pub zone: Option<TimeZone>,
}

impl Translation {
    /// The bytes of all definitions and evaluators.
    pub(crate) fn length(&self) -> usize {
        let definitions = self.definitions.iter().map(|(key, text)| key.len() + text.len() + 4);
        let evaluators = self.evaluators.iter().map(|(name, text)| name.len() + text.len() + 4);
        definitions.sum::<usize>() + evaluators.sum::<usize>()
    }

    /// The file as one text.
    pub fn to_json(&self) -> String {
        let mut out = "{\"flags\":{".to_owned();
        self.definitions.iter().for_each(|(key, text)| put_member(&mut out, key, text));
        out.push('}');
        self.metadata.iter().for_each(|metadata| put_member(&mut out, "metadata", metadata));
        if !self.evaluators.is_empty() {
            put_member(&mut out, "$evaluators", "{");
            self.evaluators.iter().for_each(|(name, text)| put_member(&mut out, name, text));
            out.push('}');
        }
        out.push('}');
        out
    }

    /// Whether a path leads into an evaluator that stands for a required flag.
    pub(crate) fn is_of_required(&self, path: &Path) -> bool {
        match path.parts().0 {
            [Step::Member(evaluators), Step::Member(name), ..] => {
                **evaluators == *"$evaluators" && self.required.contains(&**name)
            }
            _ => false,
        }
    }
}

/// What a definition does not say of the flag that it was made of.
#[derive(Debug)]
pub struct FlagShape {
    /// The rule stands behind conditions of the flag's own: its times, and what it requires.
    pub gated: bool,
    pub held: Option<HeldStep>,
    /// The file says `killed: true`.
    pub(crate) killed: bool,
    /// What a kill falls back to, if the definition does not show it.
    pub(crate) otherwise: Option<Box<str>>,
}

/// What is wrong with a flag as it was written.
#[derive(Debug)]
pub struct FlagProblems {
    pub(crate) told: Vec<Diagnostic>,
    pub(crate) untold: usize,
    /// There is no definition of it.
    pub(crate) is_broken: bool,
    /// What holds even then.
    pub(crate) switched_off: Option<SwitchedOff>,
}

/// Where the author wrote what a path of the translation leads to.
pub fn written_path(path: &Path) -> Path {
    let (steps, target) = path.parts();
    let name = |at: usize| match steps.get(at) {
        Some(Step::Member(name)) => Some(&**name),
        _ => None,
    };
    match (name(0), name(1), name(2)) {
        (Some("$evaluators"), Some(segment), _) => Path::from("segments").member(segment),
        (Some("flags"), Some(key), Some("metadata")) if name(3).is_some_and(facts::is_fact) => {
            let flag = Path::from("flags").member(key);
            flag.member(name(3).unwrap_or_default()).target(target)
        }
        _ => path.clone(),
    }
}
