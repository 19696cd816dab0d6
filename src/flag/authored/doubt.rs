//! Values that are not what they look like: a plain `NO`, which other readers of YAML take for false,
//! and a plain `1.10`, which is the number 1.1.
//!
//! Where only one thing can be meant, such as in `serve: on`, nothing is doubtful.

use super::words;
use crate::flag::{
    diagnostic::{Diagnostic, Path, Target},
    members::{Elements, Members},
    problems::Problems,
    text::Text,
};
use serde_json::value::RawValue;

/// Tells of doubtful values in what a flag compares with, and in what it serves.
pub(super) fn tell_of_flag(text: &Text<'_>, flag: &RawValue, path: &Path, found: &mut Problems) {
    let start = text.offset_of(flag.get());
    if text.doubts(start..start + flag.get().len()).is_empty() {
        return;
    }
    let Ok(members) = serde_json::from_str::<Members<'_>>(flag.get()) else { return };
    if let Some(variants) = members.get("variants") {
        tell(text, variants, &path.member("variants"), found);
    }
    let rules = members.get("rules").and_then(|rules| serde_json::from_str(rules.get()).ok());
    let Elements(rules) = rules.unwrap_or_default();
    for (place, rule) in rules.into_iter().enumerate() {
        let rule: Members<'_> = serde_json::from_str(rule.get()).unwrap_or_default();
        if let Some(condition) = rule.get("if") {
            tell(text, condition, &path.member("rules").place(place).member("if"), found);
        }
    }
}

/// Tells of doubtful values in a part of the file.
pub(super) fn tell(text: &Text<'_>, part: &RawValue, path: &Path, found: &mut Problems) {
    let start = text.offset_of(part.get());
    for at in text.doubts(start..start + part.get().len()).iter().map(|at| at - start) {
        let (before, value) = part.get().split_at_checked(at).unwrap_or_default();
        // A truth is meant, and either reading is one.
        if before.ends_with("\"exists\":") {
            continue;
        }
        let value = value.split([',', ']', '}']).next().unwrap_or_default();
        let (message, help) = match value.strip_prefix('"') {
            Some(word) => {
                let word = word.trim_end_matches('"');
                let truth = words::truth(word).unwrap_or_default();
                (
                    format!("{word} is a text here, and {truth} to other readers of YAML"),
                    format!("write {value} in quotes, or {truth}"),
                )
            }
            None => {
                let number: f64 = value.parse().unwrap_or_default();
                (
                    format!("is the number {number}, whatever zeros it is written with"),
                    "put it in quotes if it is a text, such as a version or a code".to_owned(),
                )
            }
        };
        let path = path.clone().target(Target::Offset(at));
        found.push(Diagnostic::warning(path, message, help));
    }
}
