//! Which members a file and its flags have, as far as that tells what the file is.

use super::misplaced;
use crate::{
    diagnostic::{Diagnostic, suggest::nearest},
    document::members::{Members, Name, RawElements},
};
use serde_json::value::RawValue;
use std::{cell::OnceCell, fmt::Write as _};

/// An object by its members.
pub(super) struct DocumentShape<'s, 'a> {
    pub(super) members: &'s Members<'a>,
    /// The values in its member `flags`, read at the first use: the member is most of the file.
    flags: OnceCell<Vec<&'a RawValue>>,
}

/// So many parts of a member are looked at to tell whose file it is.
const MOST_LOOKED_AT: usize = 100;

/// Flags are looked for so deep in a file.
const MAX_DEPTH: usize = 5;

impl<'s, 'a> DocumentShape<'s, 'a> {
    pub(super) fn of(members: &'s Members<'a>) -> Self {
        Self { members, flags: OnceCell::new() }
    }

    /// The flags, whichever form they have.
    pub(super) fn flags(&self) -> &[&'a RawValue] {
        self.flags.get_or_init(|| self.members.get("flags").map_or_else(Vec::new, parts))
    }

    /// Whether it has flags at its top: whatever else stands beside them, flagd reads them.
    pub(super) fn has_flags(&self) -> bool {
        !self.flags().is_empty()
    }

    /// The member of exactly this name.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.members.0.iter().find(|(member, _)| member == name).map(|(_, value)| *value)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.has(name))
    }

    /// A member that is a text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        text(self.get(name)?)
    }

    /// The members of a member that is an object.
    pub(super) fn object(&self, name: &str) -> Option<Members<'a>> {
        object(self.get(name)?)
    }

    /// Whether any of the objects in this member, an object or a list, looks so.
    pub(super) fn any_in(
        &self,
        name: &str,
        looks: impl Fn(&DocumentShape<'_, '_>) -> bool,
    ) -> bool {
        let all;
        let parts = match name {
            "flags" => self.flags(),
            name => {
                all = self.get(name).map_or_else(Vec::new, parts);
                &all
            }
        };
        let mut parts = parts.iter().take(MOST_LOOKED_AT).filter_map(|part| object(part));
        parts.any(|part| looks(&DocumentShape::of(&part)))
    }

    /// Whether any member is an object that looks so.
    pub(super) fn any(&self, looks: impl Fn(&DocumentShape<'_, '_>) -> bool) -> bool {
        let members = self.members.0.iter().take(MOST_LOOKED_AT);
        let mut members = members.filter_map(|(_, value)| object(value));
        members.any(|member| looks(&DocumentShape::of(&member)))
    }

    /// The error of a file that has `flags` further down, and none at its top.
    pub(super) fn flags_further_down(&self) -> Option<Diagnostic> {
        if self.members.get("flags").is_some() || nearest("flags", self.members.names()).is_some() {
            return None;
        }
        let mut path = String::new();
        let first = way_to_flags(self.members, &mut path, MAX_DEPTH)?;
        let help = format!("take the flags out: yq '{path}' FILE > flags.yaml");
        Some(misplaced(&first, "has \"flags\" below it, not at the top of the file", &help))
    }
}

/// Finds the object that has the flags; gives the member at the top that leads there.
fn way_to_flags(members: &Members<'_>, path: &mut String, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    for (name, value) in &members.0 {
        let Some(inner) = object(value) else { continue };
        let length = path.len();
        step(path, name);
        let has_flags = inner.0.iter().any(|(name, flags)| {
            name == "flags" && parts(flags).into_iter().any(|flag| object(flag).is_some())
        });
        if has_flags || way_to_flags(&inner, path, depth).is_some() {
            return Some(name.to_string());
        }
        path.truncate(length);
    }
    None
}

/// Adds a step to an expression of `yq`.
pub(super) fn step(path: &mut String, name: &str) {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let is_quotable = |char: char| !char.is_control() && !"'\"\\".contains(char);
    let begins_as_a_word = name.starts_with(|char: char| char.is_ascii_alphabetic());
    let written = match name {
        _ if begins_as_a_word && name.chars().all(is_plain) => write!(path, ".{name}"),
        _ if path.is_empty() => write!(path, ".[\"{}\"]", name.replace(|c| !is_quotable(c), "?")),
        _ => write!(path, "[\"{}\"]", name.replace(|c| !is_quotable(c), "?")),
    };
    debug_assert!(written.is_ok(), "a String takes all that is written to it");
}

pub(super) fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str::<Name<'_>>(value.get()).ok().map(|Name(text)| text.into_owned())
}

pub(super) fn object<'a>(value: &'a RawValue) -> Option<Members<'a>> {
    value.get().starts_with('{').then(|| Members::parse(value))?
}

/// The values in an object or a list.
fn parts(of: &RawValue) -> Vec<&RawValue> {
    match of.get().starts_with('[') {
        true => serde_json::from_str(of.get()).map_or_else(|_| Vec::new(), |RawElements(all)| all),
        false => object(of).unwrap_or_default().0.into_iter().map(|(_, value)| value).collect(),
    }
}
