//! The readable format without its line `flagstaff: 1`: read as flagd's, every flag in it would
//! give the caller's default, and every kill would be lifted.

use super::{
    misplaced,
    shape::{DocumentShape, object, text},
};
use crate::{
    diagnostic::{Diagnostic, Path, suggest::nearest},
    document::members::RawElements,
};
use serde_json::value::RawValue;

/// Members of a file that only the readable format has.
const OF_A_FILE: [&str; 4] = ["bucketing", "time_zone", "segments", "tests"];

/// Members of a flag that decide what it serves, and that only the readable format has.
const OF_A_FLAG: [&str; 10] = [
    "killed",
    "serve",
    "rollout",
    "rules",
    "experiment",
    "otherwise",
    "requires",
    "hold_at",
    "start",
    "end",
];

const MESSAGE: &str = "belongs to the readable format, and the line \"flagstaff: 1\" is missing";
const HELP: &str = "write flagstaff: 1 as the first line";

/// The error of a file that has lost the line.
pub(super) fn lost(file: &DocumentShape<'_, '_>) -> Option<Diagnostic> {
    let is_one = |value: &RawValue| matches!(value.get(), "1" | "\"1\"" | "1.0" | "true");
    let ones = file.members.0.iter().filter(|(_, value)| is_one(value));
    if let Some(misspelt) = nearest("flagstaff", ones.map(|(name, _)| &**name)) {
        let message = "is not a member of a flag file, and \"flagstaff: 1\" is missing";
        return Some(misplaced(
            misspelt,
            message,
            "did you mean \"flagstaff\"? write flagstaff: 1",
        ));
    }
    // A member `tests` alone may belong to any file.
    let is_one = |name: &&str| file.has(name) && (*name != "tests" || file.has("flags"));
    if let Some(name) = OF_A_FILE.into_iter().find(is_one) {
        return Some(misplaced(name, MESSAGE, HELP));
    }
    let flags = file.members.get("flags")?;
    if let Some(header) = misplaced_header(flags) {
        return Some(header);
    }
    let member = file.flags().iter().find_map(|flag| readable_member(flag))?;
    let message = format!("have \"{member}\", which {MESSAGE}");
    Some(Diagnostic::error("flags", message, HELP))
}

/// The line, as a member of `flags` instead of the file.
fn misplaced_header(flags: &RawValue) -> Option<Diagnostic> {
    if !flags.get().contains("lagstaff\"") {
        return None;
    }
    let members = object(flags)?;
    let (name, _) = members.0.iter().find(|(name, value)| {
        name.eq_ignore_ascii_case("flagstaff") && matches!(value.get(), "1" | "\"1\"")
    })?;
    let path = Path::from("flags").member(name);
    let help = "write flagstaff: 1 as the first line, without blanks before it";
    Some(Diagnostic::error(path, "is indented, and belongs to the top of the file", help))
}

/// A member that decides in a flag of the readable format, if the flag cannot be one of flagd's.
fn readable_member(flag: &RawValue) -> Option<&'static str> {
    // Most flags of flagd's format end here.
    if flag.get().contains("\"defaultVariant\"") {
        return None;
    }
    let members = object(flag)?;
    let flag = DocumentShape::of(&members);
    let may_be_flagds = members.get("variants").is_some() && members.get("state").is_some();
    let decides = |name: &&str| {
        flag.get(name).is_some_and(|value| match may_be_flagds {
            true => is_in_its_form(name, value, &flag),
            false => !is_a_note(name, value),
        })
    };
    OF_A_FLAG.into_iter().find(decides)
}

/// Whether a member has a value that only the readable format gives it. In a flag with `state` and
/// `variants` it may be a note otherwise; `killed` holds in both formats.
fn is_in_its_form(name: &str, value: &RawValue, flag: &DocumentShape<'_, '_>) -> bool {
    let has = |value: &RawValue, names: &[&str]| {
        object(value).is_some_and(|members| names.iter().any(|name| members.get(name).is_some()))
    };
    match name {
        "serve" | "otherwise" => {
            let variants = flag.object("variants").unwrap_or_default();
            text(value).is_some_and(|variant| variants.names().any(|name| *name == *variant))
        }
        "rollout" | "hold_at" => {
            has(value, &["to", "serve"]) || text(value).is_some_and(|share| share.ends_with('%'))
        }
        "rules" => {
            let RawElements(rules) = serde_json::from_str(value.get()).unwrap_or_default();
            rules.iter().any(|rule| has(rule, &["serve", "rollout"]))
        }
        "experiment" => has(value, &["split"]),
        _ => false,
    }
}

/// `start` and `end` are dates, and may be notes on anything else.
fn is_a_note(name: &str, value: &RawValue) -> bool {
    matches!(name, "start" | "end") && text(value).is_none()
}
