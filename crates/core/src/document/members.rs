//! Objects and lists of a definition file as they are written: names and slices of the text.
//!
//! Slices keep one broken (or too deep) flag from hurting the others, spare the memory a document
//! tree of ten thousand flags would cost, and know where they stand.

use super::syntax;
use crate::{
    diagnostic::{Diagnostic, Path, Step, Target, problems::Problems},
    document::kill_detection::{SwitchedOff, is_kill},
};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    fmt,
};

/// The members of a JSON object in the order they were written, duplicates included.
#[derive(Debug, Default)]
pub struct Members<'a>(pub Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The member called `name` in any case, as in flagd; of several the last counts.
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        let named = |member: &&(Cow<'a, str>, _)| member.0.eq_ignore_ascii_case(name);
        self.0.iter().rev().find(named).map(|(_, value)| *value)
    }

    /// Whether a member called `state` says that the flag is off. With several of them one is
    /// enough: a mistake does not undo a kill.
    pub fn are_disabled(&self) -> bool {
        let states = self.0.iter().filter(|(name, _)| name.eq_ignore_ascii_case("state"));
        let mut states = states.filter_map(|(_, state)| serde_json::from_str(state.get()).ok());
        states.any(|Name(state)| state == "DISABLED")
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// The names that are none of these, in any case.
    pub(crate) fn unknown(&self, known: &[&str]) -> impl Iterator<Item = &str> {
        self.names().filter(|name| !known.iter().any(|known| name.eq_ignore_ascii_case(known)))
    }

    pub fn parse(object: &'a RawValue) -> Option<Self> {
        serde_json::from_str(object.get()).ok()
    }

    /// As [`Self::parse`], with what to tell the author of a value that should be an object:
    /// `is_not` or, of one that has a name no text can hold, that.
    pub(crate) fn read(object: &'a RawValue, is_not: Diagnostic) -> Result<Self, Diagnostic> {
        let text = object.get();
        serde_json::from_str(text).map_err(|error| match text.starts_with('{') {
            true => syntax::error_within(text, &error, is_not.path),
            false => is_not,
        })
    }

    /// Warns of names that are written more than once; those that are `known` in any case.
    pub(crate) fn warn_of_duplicates(&self, path: &Path, known: &[&str], found: &mut Problems) {
        let mut seen = HashMap::with_capacity(self.0.len());
        let mut twice: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for name in self.names() {
            let same = known.iter().find(|known| name.eq_ignore_ascii_case(known));
            let times = seen.entry(same.copied().unwrap_or(name)).or_insert(0);
            *times += 1;
            if *times > 1 {
                twice.insert(same.copied().unwrap_or(name), (*times, name));
            }
        }
        for (times, last) in twice.into_values() {
            found.push(duplicate(path.member(last), times, Duplicates::LastCounts));
        }
    }
}

/// What a format makes of members that have the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duplicates {
    /// The last member counts, as in flagd: a warning.
    LastCounts,
    /// The author has to choose: an error. The flag may be switched off all the same.
    Refused(Option<SwitchedOff>),
}

/// The diagnostic for a name that occurs several times.
pub(crate) fn duplicate(path: Path, times: usize, duplicates: Duplicates) -> Diagnostic {
    let (message, one) = match times {
        2 => ("is written twice".to_owned(), "one"),
        _ => (format!("is written {times} times"), "all but one"),
    };
    let path = path.target(Target::Name);
    match duplicates {
        Duplicates::LastCounts => {
            let help = format!("remove {one} of them; the last one counts");
            Diagnostic::warning(path, message, help)
        }
        Duplicates::Refused(holds) => {
            let is_in_one = match path.parts().0 {
                [_, _] => true,
                [_, _, Step::Member(name)] => is_kill(name),
                _ => false,
            };
            let what = match (holds, path.parts().0.len()) {
                (Some(SwitchedOff::Killed), _) if is_in_one => "the kill in one of them holds",
                (Some(SwitchedOff::Killed), _) => "the kill holds",
                (Some(SwitchedOff::Disabled), _) => "the flag stays switched off",
                (None, 0 | 1) => "the last good flags are served",
                (None, _) => "the last good definition is served",
            };
            let help = format!("remove {one} of them; {what}");
            Diagnostic::error(path, message, help)
        }
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;
        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(Name(name)) = map.next_key()? {
                    members.push((name, map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(ObjectVisitor)
    }
}

/// A member's name, borrowed unless it had to be unescaped.
pub(crate) struct Name<'a>(pub Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

/// The elements of a JSON array.
#[derive(Debug, Default)]
pub struct RawElements<'a>(pub Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for RawElements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Array;
        impl<'de> Visitor<'de> for Array {
            type Value = RawElements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = array.next_element()? {
                    elements.push(element);
                }
                Ok(RawElements(elements))
            }
        }
        deserializer.deserialize_seq(Array)
    }
}
