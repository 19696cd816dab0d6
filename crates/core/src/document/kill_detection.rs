//! What reads as a kill although it is not written as one: `killed: 1`, `kill: true`, a kill in
//! `metadata`, a state near `DISABLED`.

use super::synonyms;
use crate::{
    diagnostic::suggest::nearest,
    document::{
        json::{Indexed, Json},
        members::Members,
        yaml_bool,
    },
};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// How a definition switches its flag off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SwitchedOff {
    /// `killed: true`: everybody gets the safe variant.
    Killed,
    /// `state: DISABLED`: clients use the default in their code.
    Disabled,
}

/// What is wrong with a kill in metadata.
pub(crate) const KILL_TOO_DEEP: &str = "stands in metadata, one level too deep; the kill holds";

/// Whether a member is called `killed`, in any case of its letters.
pub(crate) fn is_kill(name: &str) -> bool {
    name.trim().eq_ignore_ascii_case("killed")
}

/// Whether a definition kills its flag in so many words: the member `killed` is true, in the flag
/// or in its metadata.
pub(crate) fn is_killed(members: &Members<'_>) -> bool {
    has_kill(members) || kill_in_metadata(members).is_some()
}

/// Whether the member `killed` is true.
pub(crate) fn has_kill(members: &Members<'_>) -> bool {
    kill_of(members).is_some()
}

/// The kill that stands one level too deep: what `metadata` is called there, and `killed` in it.
pub(crate) fn kill_in_metadata<'a>(members: &Members<'a>) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
    members
        .0
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("metadata"))
        .find_map(|(metadata, value)| Some((metadata.clone(), kill_of(&Members::parse(value)?)?)))
}

fn kill_of<'a>(members: &Members<'a>) -> Option<Cow<'a, str>> {
    let mut all = members.0.iter();
    let kill = all.find(|(name, value)| is_kill(name) && is(value, reads_as_true));
    kill.map(|(name, _)| name.clone())
}

/// How a kill reads that stands where no kill belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AstrayKill {
    /// It is one by any reading.
    Holds,
    /// It is called so, and says neither.
    Unclear,
}

/// What something that stands outside of its flag, since its indentation was lost, says of a kill.
pub(crate) fn astray_kill(name: &str, value: &RawValue) -> Option<AstrayKill> {
    if (is_kill(name) && is(value, reads_as_true)) || reads_as_kill(name, value) {
        return Some(AstrayKill::Holds);
    }
    let is_no = |value: Json<'_>| value.is_null() || yaml_bool::truth_of(value) == Some(false);
    (is_kill(name) && !is(value, is_no)).then_some(AstrayKill::Unclear)
}

/// Where a kill stands deeper in a value than it counts: the names that lead to it.
pub(crate) fn kill_below(value: Json<'_>) -> Option<Vec<String>> {
    match value {
        Json::Object(members) => members.written().find_map(|(name, value)| {
            let name = name.get();
            if is_kill(&name) && reads_as_true(value) {
                return Some(vec![name.into_owned()]);
            }
            let mut path = kill_below(value)?;
            path.insert(0, name.into_owned());
            Some(path)
        }),
        Json::Array(elements) => elements.iter().find_map(kill_below),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => None,
    }
}

/// Whether a text has a line that ends like a kill: `why: >-` takes along what is indented below it.
pub(crate) fn ends_like_a_kill(value: Json<'_>) -> bool {
    match value {
        Json::Object(members) => members.written().any(|(_, value)| ends_like_a_kill(value)),
        Json::Array(elements) => elements.iter().any(ends_like_a_kill),
        Json::String(text) => {
            text.get().split(['\n', '\u{85}', '\u{2028}', '\u{2029}']).any(|line| {
                let kill = line.trim_end().rsplit_once(char::is_whitespace);
                let (before, value) = kill.unwrap_or_default();
                let name = before
                    .rsplit(char::is_whitespace)
                    .next()
                    .and_then(|name| name.strip_suffix(':'));
                name.is_some_and(is_kill) && yaml_bool::truth(value) == Some(true)
            })
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

/// Whether a text may have a kill in it at all, so that nearly all flags are gone through once.
pub(crate) fn may_name_a_kill(text: &str) -> bool {
    text.as_bytes().windows(6).any(|part| part.eq_ignore_ascii_case(b"killed"))
}

fn is(value: &RawValue, what: fn(Json<'_>) -> bool) -> bool {
    Indexed::new(value.get()).is_some_and(|value| what(value.value()))
}

/// Whether a member of metadata, other than a kill, was meant to switch the flag off.
pub(crate) fn reads_as_switch(name: &str, value: Json<'_>) -> bool {
    let called = |known: &str| name.trim().eq_ignore_ascii_case(known);
    // Only then: it is compared with many words.
    let is_off = || value.as_str().is_some_and(|text| reads_as_disabled(&text));
    match called("state") {
        true => is_off() || matches!(value, Json::Bool(true)),
        false if called("kill") || called("disabled") => {
            reads_as_true(value) || nearest_is_disabled(value)
        }
        false => called("killed") && nearest_is_disabled(value),
    }
}

fn nearest_is_disabled(value: Json<'_>) -> bool {
    value.as_str().is_some_and(|text| bare(&text).eq_ignore_ascii_case("disabled"))
}

/// Whether a member that no flag has was meant as `killed: true`.
pub(crate) fn reads_as_kill(name: &str, value: &RawValue) -> bool {
    let name = name.trim().to_ascii_lowercase();
    if name == "enabled" {
        return is(value, |value| yaml_bool::truth_of(value) == Some(false));
    }
    // A note may say that a flag is a kill switch.
    let is_synonym = || synonyms::means("killed", &name) && !name.contains("switch");
    let is_near = || name.contains("kil") && nearest(&name, ["killed"]).is_some();
    (is_synonym() || is_near()) && is(value, reads_as_true)
}

/// Whether a state that is not known was meant as `DISABLED`.
pub(crate) fn reads_as_disabled(state: &str) -> bool {
    let word = bare(state).to_ascii_lowercase();
    let truth = yaml_bool::truth(&word).or_else(|| synonyms::truth(&word));
    truth == Some(false) || nearest(&word, ["enabled", "disabled"]) == Some("disabled")
}

/// Words for a truth that no other value in a flag may have.
const TRUE: [&str; 5] = ["true", "yes", "y", "t", "killed"];

/// Whether a value can be read as true at all: `1`, `y`, `"true "`, `ture`, `yes!`, `[true]`.
pub(crate) fn reads_as_true(value: Json<'_>) -> bool {
    let is_true = |value: Json<'_>| yaml_bool::truth_of(value) == Some(true);
    match value {
        Json::Null => false,
        Json::Bool(bit) => bit,
        Json::Number(number) => number.as_f64() != 0.0,
        Json::String(text) => {
            let word = bare(&text.get()).to_ascii_lowercase();
            let truth = yaml_bool::truth(&word).or_else(|| TRUE.contains(&&*word).then_some(true));
            let truth = truth.or_else(|| synonyms::truth(&word));
            let misspelt = || {
                let words = || TRUE.into_iter().chain(["on", "off", "no", "false"]);
                let is_word = word.len() > 2 && word.chars().all(char::is_alphabetic);
                is_word && nearest(&word, words()).is_some_and(|near| TRUE.contains(&near))
            };
            let number = || word.parse::<f64>().is_ok_and(|number| number != 0.0);
            // A note behind it: `true# INC-4711`, `yes, INC-1`, `true since 12:00`.
            let before_a_note = || {
                let first = word.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                first.len() < word.len()
                    && (TRUE.contains(&first) || yaml_bool::truth(first) == Some(true))
            };
            truth.unwrap_or_else(|| number() || before_a_note() || misspelt())
        }
        Json::Array(elements) => elements.iter().any(is_true),
        Json::Object(members) => members.written().any(|(_, value)| is_true(value)),
    }
}

/// A word without blanks and punctuation around it. Braces are left: they are of templates.
fn bare(word: &str) -> &str {
    let is_around = |char: char| {
        char.is_whitespace()
            || ".,;:!?\"'`()[]<>*_-\u{2018}\u{2019}\u{201c}\u{201d}\u{201e}\u{ab}\u{bb}\u{200b}\u{feff}"
                .contains(char)
    };
    word.trim_matches(is_around)
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
            json!("true,"),
            json!("true."),
            json!("true;"),
            json!("yes!"),
            json!("\u{201c}true\u{201d}"),
            json!("ture,"),
            json!("'1'"),
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
            json!("{{ killed }}"),
            json!("no,"),
            json!("0."),
            json!("!"),
            json!([]),
            json!({}),
        ] {
            assert!(!reads_as_true(&value), "{value}");
        }
    }

    #[test]
    fn a_state_near_disabled_reads_as_disabled() {
        for state in ["DISABLE", "DISABELD", "disabled", "Disabled", "DISABLED ", "off", "false"] {
            assert!(reads_as_disabled(state), "{state}");
        }
        for state in ["", "ENABLED", "enabled", "ENABLE", "ENABELD", "PAUSED", "on"] {
            assert!(!reads_as_disabled(state), "{state}");
        }
    }

    #[test]
    fn a_name_near_killed_reads_as_a_kill_if_its_value_is_true() {
        let is_kill = |name: &str, value: &Value| {
            reads_as_kill(name, &serde_json::value::to_raw_value(value).unwrap())
        };
        for name in ["kill", "Kill", "kiled", "killd", "is_killed", "disabled", "disable", "off"] {
            assert!(is_kill(name, &json!(true)), "{name}");
            assert!(!is_kill(name, &json!(false)), "{name}");
        }
        assert!(is_kill("enabled", &json!(false)));
        for name in ["enabled", "kill_switch", "killSwitch", "billed", "filled", "owner"] {
            assert!(!is_kill(name, &json!(true)), "{name}");
        }
    }
}
