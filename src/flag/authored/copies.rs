//! The copies of a flag: a flag should be written once, and a merge can leave it in a file twice.
//!
//! Duplicates are errors of their flag. A kill holds all the same, whichever copy it stands in.

use super::words;
use crate::flag::members::{Members, Name};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// How a definition switches its flag off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flag) enum SwitchedOff {
    /// `killed: true`: everybody gets the safe variant.
    Killed,
    /// `state: DISABLED`: clients use the default in their code.
    Disabled,
}

/// Whether one of these definitions, or one of several members of the same name in one of them,
/// switches the flag off. A kill comes before a state, and counts in any case of its letters: a
/// mistyped kill must not leave the flag on.
pub(super) fn switched_off(copies: &[&RawValue]) -> Option<SwitchedOff> {
    let members = || copies.iter().filter_map(|raw| Members::parse(raw)).flat_map(|all| all.0);
    let is_killed = |(name, value): (Cow<'_, str>, &RawValue)| {
        name.trim().eq_ignore_ascii_case("killed")
            && match value.get() {
                "true" => true,
                text => text_of(text).is_some_and(|text| words::truth(&text) == Some(true)),
            }
    };
    let is_disabled = |(name, value): (_, &RawValue)| {
        name == "state" && text_of(value.get()).is_some_and(|state| state == "DISABLED")
    };
    if members().any(is_killed) {
        return Some(SwitchedOff::Killed);
    }
    members().any(is_disabled).then_some(SwitchedOff::Disabled)
}

fn text_of(json: &str) -> Option<String> {
    serde_json::from_str::<Name<'_>>(json).ok().map(|Name(text)| text.into_owned())
}
