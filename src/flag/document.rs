//! A definition file as written: its flags, each a slice of the text, and what they share.

use super::{
    diagnostic::{Diagnostic, Path, Position, Step, Target},
    members::{Elements, Members, Name},
    suggest::{nearest, suggest},
    text::{Format, Places, Text},
};
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    collections::{BTreeSet, HashSet},
};

/// The parts of a definition file that mean something.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    /// In the order they were written.
    pub(crate) flags: Vec<Definition<'a>>,
    pub(crate) evaluators: Members<'a>,
    pub(crate) metadata: Option<&'a RawValue>,
}

/// A flag as written.
#[derive(Debug)]
pub(crate) struct Definition<'a> {
    pub(crate) key: Cow<'a, str>,
    pub(crate) raw: &'a RawValue,
    /// Its place, in the list form of `flags`.
    place: Option<usize>,
}

/// Every file has at most this many flags.
const MAX_FLAGS: usize = 100_000;

/// The members of a file that mean something, or are meant for editors.
const KNOWN: [&str; 4] = ["flags", "$evaluators", "metadata", "$schema"];

impl<'a> Document<'a> {
    /// Reads a file's text. An error means that nothing in the file can be served.
    pub(crate) fn parse(
        text: &'a Text<'_>,
        found: &mut Vec<Diagnostic>,
    ) -> Result<Self, Diagnostic> {
        let json = text.json();
        if json.trim_start().starts_with(|first| first != '{') {
            let help = "make it an object that has the flags in a member \"flags\"";
            return Err(Diagnostic::of_file("is not an object", help));
        }
        let members: Members<'a> =
            serde_json::from_str(json).map_err(|error| syntax_error(json, &error))?;
        let here = Path::default();
        members.warn_of_duplicates(&here, found);
        let unknown = |(name, _): &&(Cow<'_, str>, _)| {
            !KNOWN.iter().any(|known| name.eq_ignore_ascii_case(known))
        };
        for (name, _) in members.0.iter().filter(unknown) {
            let help = suggest(name, KNOWN, "remove it; nothing reads it");
            let path = here.member(name).target(Target::Name);
            found.push(Diagnostic::warning(path, "is no member of a flag file", help));
        }
        let flags = members.get("flags").ok_or_else(|| {
            let help = match nearest("flags", members.names()) {
                Some(name) => format!("rename \"{name}\" if it has them"),
                None => "put the flags in an object \"flags\"".to_owned(),
            };
            Diagnostic::error("flags", "is missing", help)
        })?;
        let flags = match flags.get().as_bytes().first() {
            Some(b'{') => {
                // A name that is no text, such as half a surrogate pair, is seen only here.
                let members = serde_json::from_str(flags.get()).map_err(|error| {
                    let (message, help) = syntax_message(&error);
                    Diagnostic::error("flags", message, help)
                })?;
                Some(by_key(members, found))
            }
            Some(b'[') => Some(keyed(flags, found)),
            _ => None,
        };
        let flags = flags.ok_or_else(|| {
            let help = "make it an object of flags by key, or a list of flags with a \"key\" each";
            Diagnostic::error("flags", "is neither an object nor a list", help)
        })?;
        if flags.len() > MAX_FLAGS {
            let message = format!("has {} flags, more than {MAX_FLAGS}", flags.len());
            return Err(Diagnostic::error("flags", message, "split the file by application"));
        }
        let evaluators = match members.get("$evaluators") {
            None => Members::default(),
            Some(evaluators) => Members::parse(evaluators).unwrap_or_else(|| {
                let help = "make it an object of rules by name";
                found.push(Diagnostic::warning("$evaluators", "is not an object", help));
                Members::default()
            }),
        };
        evaluators.warn_of_duplicates(&"$evaluators".into(), found);
        Ok(Self { flags, evaluators, metadata: members.get("metadata") })
    }
}

/// Where a file defines each of these flags; in one go, since it has to be read for it.
pub fn positions_of(
    content: &[u8],
    format: Format,
    keys: &BTreeSet<&str>,
) -> Vec<(Box<str>, Position)> {
    let Ok(text) = Text::read(content, format) else { return Vec::new() };
    let Ok(document) = Document::parse(&text, &mut Vec::new()) else { return Vec::new() };
    let places = text.places();
    let wanted = document.flags.iter().filter(|definition| keys.contains(&*definition.key));
    let position = |definition: &Definition<'_>| {
        (definition.key.as_ref().into(), definition.position(&text, &places, &Path::default()))
    };
    wanted.map(position).collect()
}

/// Where a problem of the file as a whole stands.
pub(crate) fn position_in_file(text: &Text<'_>, places: &Places<'_>, path: &Path) -> Position {
    let (steps, target) = path.parts();
    let root = serde_json::from_str::<&RawValue>(text.json());
    places.position(root.map_or(0, |root| locate(text, root, steps, target, 0)))
}

impl Definition<'_> {
    /// Where a problem of the flag stands; its path begins with `flags` and the key.
    pub(crate) fn position(&self, text: &Text<'_>, places: &Places<'_>, path: &Path) -> Position {
        let (steps, target) = path.parts();
        let within = steps.get(2..).unwrap_or_default();
        let mark = match self.place {
            Some(_) => text.offset_of(self.raw.get()),
            None => key_before(text, self.raw),
        };
        places.position(locate(text, self.raw, within, target, mark))
    }
}

/// The map form of `flags`: of two with one key the last counts.
fn by_key<'a>(flags: Members<'a>, found: &mut Vec<Diagnostic>) -> Vec<Definition<'a>> {
    flags.warn_of_duplicates(&"flags".into(), found);
    let flags = flags.0.into_iter();
    last_of_each(flags.map(|(key, raw)| Definition { key, raw, place: None }).collect())
}

/// The list form of `flags`: each flag carries its own key.
fn keyed<'a>(flags: &'a RawValue, found: &mut Vec<Diagnostic>) -> Vec<Definition<'a>> {
    let elements = serde_json::from_str(flags.get()).map_or_else(|_| Vec::new(), |Elements(e)| e);
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
                keyed.push(Definition { key, raw, place: Some(place) });
            }
            _ => found.push(Diagnostic::error(
                path,
                "has no \"key\"",
                "in a list of flags each needs a \"key\" that is a non-empty string",
            )),
        }
    }
    last_of_each(keyed)
}

fn last_of_each(mut flags: Vec<Definition<'_>>) -> Vec<Definition<'_>> {
    let mut seen = HashSet::new();
    let mut is_last: Vec<_> =
        flags.iter().rev().map(|flag| seen.insert(flag.key.clone())).collect();
    if is_last.contains(&false) {
        flags.retain(|_| is_last.pop().unwrap_or(true));
    }
    flags
}

/// Follows a path down from a value as far as it goes, and says where in the text that is:
/// a scalar itself, or the name of anything larger.
fn locate(
    text: &Text<'_>,
    from: &RawValue,
    steps: &[Step],
    target: Target,
    mut mark: usize,
) -> usize {
    let mut value = from;
    for step in steps {
        let next = match step {
            Step::Member(name) => Members::parse(value).and_then(|members| members.named(name)),
            Step::Place(place) => serde_json::from_str::<Elements<'_>>(value.get())
                .ok()
                .and_then(|elements| elements.0.get(*place).copied()),
        };
        // What is missing is reported where it should be.
        let Some(next) = next else { return mark };
        value = next;
        let is_scalar = !value.get().starts_with(['{', '[']);
        mark = match step {
            Step::Member(_) if !is_scalar || target == Target::Name => key_before(text, value),
            Step::Member(_) | Step::Place(_) => text.offset_of(value.get()),
        };
    }
    match target {
        Target::Offset(offset) => text.offset_of(value.get()) + offset,
        Target::Value | Target::Name => mark,
    }
}

/// Where the name of a member begins, from where its value does.
fn key_before(text: &Text<'_>, value: &RawValue) -> usize {
    let offset = text.offset_of(value.get());
    let before = text.json().get(..offset).unwrap_or_default().trim_end();
    let name = before.strip_suffix(':').unwrap_or(before).trim_end();
    let Some(mut rest) = name.strip_suffix('"') else { return offset };
    // A quote after an odd number of backslashes is part of the name.
    while let Some(quote) = rest.rfind('"') {
        rest = rest.get(..quote).unwrap_or_default();
        let backslashes = rest.len() - rest.trim_end_matches('\\').len();
        if backslashes % 2 == 0 {
            return quote;
        }
    }
    offset
}

/// A syntax error, as the author of the file would say it.
fn syntax_error(json: &str, error: &serde_json::Error) -> Diagnostic {
    if json.trim().is_empty() {
        return Diagnostic::of_file("is empty", "put the flags in an object \"flags\"");
    }
    let position = Position { line: error.line().max(1), column: error.column().max(1) };
    let (message, help) = syntax_message(error);
    Diagnostic { position, ..Diagnostic::of_file(message, help) }
}

/// What is wrong with a piece of JSON, without the place, and what to do about it.
pub(super) fn syntax_message(error: &serde_json::Error) -> (String, &'static str) {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(&*text, |(what, _)| what);
    match what.strip_prefix("EOF while parsing ") {
        Some(part) => {
            let message = format!("ends in the middle of {part}");
            (message, "the file is cut off, or a bracket or quote is not closed")
        }
        None if what == "number out of range" => {
            let help = "write a number that a double can hold";
            ("has a number that is out of range".to_owned(), help)
        }
        None if what == "recursion limit exceeded" => {
            let help = "split the flag, or test membership with one \"in\" over a list";
            ("nests deeper than 127 levels".to_owned(), help)
        }
        None => (format!("is no JSON: {what}"), "mend it there"),
    }
}
