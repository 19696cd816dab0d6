//! A definition file as written: its flags, each a slice of the text, and what they share.

pub mod definition_value;
pub(crate) mod foreign;
pub(crate) mod integers;
pub mod json;
pub(crate) mod kill_detection;
pub mod locate;
pub(crate) mod marks;
pub mod members;
pub mod number;
pub mod protobuf;
pub(crate) mod synonyms;
pub(crate) mod syntax;
pub mod text;
pub(crate) mod yaml;
pub mod yaml_bool;

use super::diagnostic::{Diagnostic, Level, Path, Position, Target};
use crate::{
    diagnostic::{
        problems::Problems,
        suggest::{nearest, suggest},
    },
    document::{
        kill_detection::{AstrayKill, astray_kill, is_killed},
        locate::key_before,
        members::{Duplicates, Members, Name, RawElements, duplicate},
        text::{DocumentText, Format},
    },
};
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
};

/// The parts of a definition file that mean something.
#[derive(Debug)]
pub struct Document<'a> {
    /// In the order they were written.
    pub flags: Vec<Definition<'a>>,
    /// `None` if they are no evaluators at all.
    pub evaluators: Option<Members<'a>>,
    pub metadata: Option<&'a RawValue>,
    /// Something stands among the flags that does not say which flag it is.
    pub(crate) has_nameless: bool,
}

/// A flag as written.
#[derive(Debug)]
pub struct Definition<'a> {
    pub key: Cow<'a, str>,
    pub raw: &'a RawValue,
    /// A copy of it that does not count otherwise switches it off, and that holds.
    pub is_disabled_before: bool,
    /// The same of a copy that kills it.
    pub(crate) is_killed_before: bool,
    /// Its place, in the list form of `flags`.
    place: Option<usize>,
}

/// Every file has at most this many flags.
const MAX_FLAGS: usize = 100_000;

/// The members of a file that mean something, or are meant for editors or `check`.
const KNOWN: [&str; 5] = ["flags", "$evaluators", "metadata", "$schema", "lint"];

impl<'a> Document<'a> {
    /// Reads a file's text. An error means that nothing in the file can be served.
    pub fn parse(text: &'a DocumentText<'_>, found: &mut Problems) -> Result<Self, Diagnostic> {
        Self::of(&members_of_file(text.json())?, found)
    }

    /// The same of members that were read already.
    pub(crate) fn of(members: &Members<'a>, found: &mut Problems) -> Result<Self, Diagnostic> {
        let here = Path::default();
        if let Some(twice) = lost_by_a_duplicate(members) {
            return Err(twice);
        }
        members.warn_of_duplicates(&here, &KNOWN, found);
        let Some(flags) = members.get("flags") else {
            return Err(no_flags(nearest("flags", members.unknown(&KNOWN))));
        };
        let is_not = || {
            let help = match flags.get() {
                "null" => "put the flags in it; in YAML they are indented below it",
                _ => "make it an object of flags by key, or a list of flags with a \"key\" each",
            };
            Diagnostic::error("flags", "is neither an object nor a list", help)
        };
        let mut has_nameless = false;
        let flags = match flags.get().starts_with('[') {
            true => keyed(flags, &mut has_nameless, found),
            false => by_key(Members::read(flags, is_not())?, found),
        };
        for name in members.unknown(&KNOWN) {
            let help = suggest(name, KNOWN, "remove it; nothing reads it");
            let path = here.member(name).target(Target::Name);
            found.push(Diagnostic::warning(path, "is not a member of a flag file", help));
        }
        check_count(flags.len())?;
        let metadata = members.get("metadata");
        let evaluators = match members.get("$evaluators") {
            None => Some(Members::default()),
            Some(evaluators) => {
                let help = "make it an object of rules by name";
                let is_not = Diagnostic::warning("$evaluators", "is not an object", help);
                let read = Members::read(evaluators, is_not);
                read.map_err(|error| found.push(Diagnostic { level: Level::Warning, ..error })).ok()
            }
        };
        if let Some(evaluators) = &evaluators {
            evaluators.warn_of_duplicates(&"$evaluators".into(), &[], found);
        }
        Ok(Self { flags, evaluators, metadata, has_nameless })
    }
}

/// The members of a file, or why it has none.
pub fn members_of_file(json: &str) -> Result<Members<'_>, Diagnostic> {
    serde_json::from_str(json).map_err(|error| {
        if json.trim().is_empty() {
            return Diagnostic::of_file("is empty", "put the flags in an object \"flags\"");
        }
        if let Some(position) = syntax::conflict(json) {
            return Diagnostic { position, ..syntax::unfinished_merge() };
        }
        // Any other value is told as one, unless it is not even that.
        let is_value = serde_json::from_str::<&RawValue>(json);
        match is_value.is_ok() && !json.trim_start().starts_with('{') {
            true => {
                let help = "make it an object that has the flags in a member \"flags\"";
                Diagnostic::of_file("is not an object", help)
            }
            false => syntax::error_of_file(json, is_value.as_ref().err().unwrap_or(&error)),
        }
    })
}

/// The error of a member that is written twice, in any case of its letters: the later one would
/// hide the earlier, and flags that are switched off with it.
fn lost_by_a_duplicate(members: &Members<'_>) -> Option<Diagnostic> {
    ["flags", "$evaluators", "metadata"].into_iter().find_map(|known| {
        let same = members.0.iter().filter(|(name, _)| name.eq_ignore_ascii_case(known));
        let same: Vec<_> = same.collect();
        let (last, _) = same.last().filter(|_| same.len() > 1)?;
        // Metadata that is written the same way twice is read as flagd reads it, with a warning.
        let hides = known != "metadata" || same.iter().any(|(name, _)| name != last);
        let path = Path::from(&**last);
        hides.then(|| duplicate(path, same.len(), Duplicates::Refused(None)))
    })
}

/// Checks how many flags a file has.
pub(crate) fn check_count(flags: usize) -> Result<(), Diagnostic> {
    if flags > MAX_FLAGS {
        let message = format!("has {flags} flags, more than {MAX_FLAGS}");
        return Err(Diagnostic::error("flags", message, "split the file by application"));
    }
    Ok(())
}

/// The error of a file without flags, which has perhaps something `near`.
fn no_flags(near: Option<&str>) -> Diagnostic {
    match near {
        None => {
            let help = "put the flags in an object \"flags\"";
            Diagnostic::error("flags", "is missing", help)
        }
        Some(near) => {
            let path = Path::default().member(near).target(Target::Name);
            let message = "is not a member of a flag file, and \"flags\" is missing";
            Diagnostic::error(path, message, "did you mean \"flags\"?")
        }
    }
}

/// Where a file defines each of these flags; in one go, since it has to be read for it.
pub fn positions_of(
    content: &[u8],
    format: Format,
    keys: &BTreeSet<&str>,
) -> Vec<(Box<str>, Position)> {
    let Ok(text) = DocumentText::read(content, format) else { return Vec::new() };
    let mut nobody = Problems::with_room(0);
    let Ok(document) = Document::parse(&text, &mut nobody) else { return Vec::new() };
    let places = text.places();
    let wanted = document.flags.iter().filter(|definition| keys.contains(&*definition.key));
    let position = |definition: &Definition<'_>| {
        (definition.key.as_ref().into(), places.position(definition.begins(&text)))
    };
    wanted.map(position).collect()
}

impl<'a> Definition<'a> {
    /// A definition that stands in an object of flags, or at a place of a list.
    pub(crate) fn new(key: Cow<'a, str>, raw: &'a RawValue, place: Option<usize>) -> Self {
        Self { key, raw, is_disabled_before: false, is_killed_before: false, place }
    }

    /// Whether the definition with these members kills the flag, or a copy of it does.
    pub(crate) fn is_killed(&self, members: &Members<'_>) -> bool {
        self.is_killed_before || is_killed(members)
    }

    /// Where the flag begins in the JSON text.
    pub fn begins(&self, text: &DocumentText<'_>) -> usize {
        match self.place {
            Some(_) => text.offset_of(self.raw.get()),
            None => key_before(text, self.raw),
        }
    }
}

/// The map form of `flags`: of two with one key the last counts.
fn by_key<'a>(flags: Members<'a>, found: &mut Problems) -> Vec<Definition<'a>> {
    flags.warn_of_duplicates(&"flags".into(), &[], found);
    let mut definitions: Vec<Definition<'a>> = Vec::with_capacity(flags.0.len());
    let mut before = None;
    for (key, raw) in flags.0 {
        // What switches a flag off may have slipped behind the bracket of the flag.
        if raw.get().starts_with('{') {
            before = Some(definitions.len());
        } else if let Some(flag) = before.and_then(|place: usize| definitions.get_mut(place)) {
            flag.is_killed_before |= astray_kill(&key, raw) == Some(AstrayKill::Holds);
            flag.is_disabled_before |= key == "state" && raw.get() == "\"DISABLED\"";
        }
        definitions.push(Definition::new(key, raw, None));
    }
    last_of_each(definitions)
}

/// The list form of `flags`: each flag carries its own key.
fn keyed<'a>(
    flags: &'a RawValue,
    has_nameless: &mut bool,
    found: &mut Problems,
) -> Vec<Definition<'a>> {
    let elements =
        serde_json::from_str(flags.get()).map_or_else(|_| Vec::new(), |RawElements(e)| e);
    let mut keyed = Vec::with_capacity(elements.len());
    let mut seen = HashSet::new();
    for (place, raw) in elements.into_iter().enumerate() {
        let path = Path::from("flags").place(place);
        let key = Members::parse(raw).and_then(|members| members.get("key"));
        match key.and_then(|key| serde_json::from_str::<Name<'a>>(key.get()).ok()) {
            Some(Name(key)) if !key.is_empty() => {
                if !seen.insert(key.clone()) {
                    let help = "remove one of them; the last one counts";
                    let message = format!("has the key \"{key}\" of a flag before it");
                    found.push(Diagnostic::warning(path.member("key"), message, help));
                }
                keyed.push(Definition::new(key, raw, Some(place)));
            }
            _ => {
                *has_nameless = true;
                let what = match raw.get().starts_with('{') {
                    true => "has no \"key\"",
                    false => "is not an object",
                };
                let help = "in a list of flags each needs a \"key\" that is a non-empty string";
                found.push(Diagnostic::error(path, what, help));
            }
        }
    }
    last_of_each(keyed)
}

fn last_of_each(mut flags: Vec<Definition<'_>>) -> Vec<Definition<'_>> {
    let mut seen = HashSet::new();
    let mut is_last: Vec<_> =
        flags.iter().rev().map(|flag| seen.insert(flag.key.clone())).collect();
    if is_last.contains(&false) {
        let dropped = flags.iter().zip(is_last.iter().rev()).filter(|(_, is_last)| !**is_last);
        let (mut disabled, mut killed) = (HashSet::new(), HashSet::new());
        for (flag, _) in dropped {
            let members = Members::parse(flag.raw).unwrap_or_default();
            disabled.extend(members.are_disabled().then(|| flag.key.clone()));
            killed.extend(is_killed(&members).then(|| flag.key.clone()));
        }
        flags.retain(|_| is_last.pop().unwrap_or(true));
        for flag in &mut flags {
            flag.is_disabled_before = disabled.contains(&flag.key);
            flag.is_killed_before = killed.contains(&flag.key);
        }
    }
    flags
}
