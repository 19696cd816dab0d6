//! Whether a flag is switched off, in any of its copies: a merge can leave a flag in a file twice.
//!
//! Duplicates are errors of their flag. A kill holds all the same, whichever copy it stands in, and
//! also if its value is another than `true`.

use super::{synonyms, words};
use crate::flag::{
    diagnostic::{Diagnostic, Path},
    json::{Indexed, Json},
    members::Members,
    suggest::nearest,
};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// How a definition switches its flag off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flag) enum SwitchedOff {
    /// `killed: true`: everybody gets the safe variant.
    Killed,
    /// `state: DISABLED`: clients use the default in their code.
    Disabled,
}

/// What the copies of a flag say of its kill and its state.
#[derive(Debug, Default)]
pub(super) struct Switches {
    killed: bool,
    disabled: bool,
    /// The errors of members that do not say it as they should, by the name as it is written.
    unclear: BTreeMap<String, Diagnostic>,
}

impl Switches {
    /// Reads every copy of the flag at `path`, and each of several members of the same name.
    pub(super) fn of(copies: &[&RawValue], path: &Path) -> Self {
        let mut switches = Self::default();
        for (name, value) in
            copies.iter().filter_map(|raw| Members::parse(raw)).flat_map(|all| all.0)
        {
            let is_kill = name.trim().eq_ignore_ascii_case("killed");
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
        self.unclear.into_values()
    }

    /// `killed`, in any case of its letters.
    fn kill(&mut self, name: &str, value: Json<'_>, path: &Path) {
        match words::truth_of(value) {
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

/// Whether one of these definitions kills its flag in so many words: the member `killed` is true.
pub(in crate::flag) fn is_killed(members: &Members<'_>) -> bool {
    let named = |name: &str| name.trim().eq_ignore_ascii_case("killed");
    members.0.iter().filter(|(name, _)| named(name)).any(|(_, value)| {
        Indexed::new(value.get()).is_some_and(|value| reads_as_true(value.value()))
    })
}

/// Words for a truth that no other value in a flag may have.
const TRUE: [&str; 5] = ["true", "yes", "y", "t", "killed"];

/// Whether a value can be read as true at all: `1`, `y`, `"true "`, `ture`, `[true]`.
fn reads_as_true(value: Json<'_>) -> bool {
    let is_true = |value: Json<'_>| words::truth_of(value) == Some(true);
    match value {
        Json::Null => false,
        Json::Bool(bit) => bit,
        Json::Number(number) => number.as_f64() != 0.0,
        Json::String(text) => {
            let word = text.get().trim().to_ascii_lowercase();
            let truth = words::truth(&word).or_else(|| TRUE.contains(&&*word).then_some(true));
            let truth = truth.or_else(|| synonyms::truth(&word));
            let misspelt = || {
                let words = || TRUE.into_iter().chain(["on", "off", "no", "false"]);
                let is_word = word.len() > 2 && word.chars().all(char::is_alphabetic);
                is_word && nearest(&word, words()).is_some_and(|near| TRUE.contains(&near))
            };
            let number = || word.parse::<f64>().is_ok_and(|number| number != 0.0);
            truth.unwrap_or_else(|| number() || misspelt())
        }
        Json::Array(elements) => elements.iter().any(is_true),
        Json::Object(members) => members.written().any(|(_, value)| is_true(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn reads_as_true(value: &Value) -> bool {
        super::reads_as_true(Indexed::new(&value.to_string()).unwrap().value())
    }

    #[test]
    fn a_value_is_true_by_any_reading_but_not_by_a_guess() {
        for value in [
            json!(true),
            json!(1),
            json!(1.0),
            json!(-1),
            json!("1"),
            json!("y"),
            json!("YES"),
            json!(" true "),
            json!("ture"),
            json!("treu"),
            json!("On"),
            json!("enabled"),
            json!("killed"),
            json!([true]),
            json!({"value": "yes"}),
        ] {
            assert!(reads_as_true(&value), "{value}");
        }
        for value in [
            json!(null),
            json!(false),
            json!(0),
            json!("0"),
            json!(""),
            json!("no"),
            json!("n"),
            json!("flase"),
            json!("maybe"),
            json!("disabled"),
            json!("2026-12-01"),
            json!("${KILLED}"),
            json!([]),
            json!({}),
        ] {
            assert!(!reads_as_true(&value), "{value}");
        }
    }
}
