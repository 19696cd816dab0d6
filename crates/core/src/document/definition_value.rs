//! A part of a definition as a JSON value, with what is written twice in it.

use crate::{
    diagnostic::{Diagnostic, Path, Step, problems::Problems},
    document::{
        integers,
        json::{Indexed, Json, JsonObject},
        members::{Duplicates, duplicate},
        syntax,
    },
};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::{collections::BTreeMap, fmt};

/// Reads a value. Warns of duplicate members (the last one counts) and of integers that are rounded.
///
/// Fails with what no value can be made of: a number too large, or too deep a nesting.
pub fn read<'t>(
    raw: &'t RawValue,
    path: &Path,
    found: &mut Problems,
) -> Result<Indexed<'t>, Diagnostic> {
    read_with(raw, path, Duplicates::LastCounts, found)
}

/// As [`read`], for a format that sets its own rule for members with one name.
pub(crate) fn read_with<'t>(
    raw: &'t RawValue,
    path: &Path,
    duplicates: Duplicates,
    found: &mut Problems,
) -> Result<Indexed<'t>, Diagnostic> {
    let text = raw.get();
    let valid = serde_json::from_str::<Valid>(text)
        .map_err(|error| syntax::error_within(text, &error, path.clone()))?;
    let indexed = Indexed::new(text).ok_or_else(|| {
        Diagnostic::error(path, "is larger than 4 GiB", "split the file by application")
    })?;
    if valid.has_members && has_duplicates(indexed.value()) {
        DuplicateSearch { path: path.clone(), duplicates, found }.through(indexed.value());
    }
    integers::warn(raw, path, found);
    Ok(indexed)
}

/// A value that can be read: its numbers, its escapes and its depth were looked at.
struct Valid {
    /// Whether an object in it has more than one member.
    has_members: bool,
}

impl Valid {
    const SCALAR: Self = Self { has_members: false };
}

impl<'de> Deserialize<'de> for Valid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Valid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Valid, E> {
        Ok(Valid::SCALAR)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Valid, E> {
        Ok(Valid::SCALAR)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Valid, E> {
        Ok(Valid::SCALAR)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Valid, E> {
        Ok(Valid::SCALAR)
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Valid, E> {
        Ok(Valid::SCALAR)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Valid, E> {
        Ok(Valid::SCALAR)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Valid, A::Error> {
        let mut has_members = false;
        while let Some(element) = list.next_element::<Valid>()? {
            has_members |= element.has_members;
        }
        Ok(Valid { has_members })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Valid, A::Error> {
        let (mut has_members, mut count) = (false, 0);
        while let Some((_, value)) = map.next_entry::<Valid, Valid>()? {
            count += 1;
            has_members |= value.has_members || count > 1;
        }
        Ok(Valid { has_members })
    }
}

fn has_duplicates(value: Json<'_>) -> bool {
    match value {
        Json::Array(list) => list.iter().any(has_duplicates),
        Json::Object(object) => {
            object.has_names_twice() || object.written().any(|(_, value)| has_duplicates(value))
        }
        _ => false,
    }
}

/// Looks for members with one name.
struct DuplicateSearch<'f> {
    /// Of the value at hand.
    path: Path,
    duplicates: Duplicates,
    found: &'f mut Problems,
}

impl DuplicateSearch<'_> {
    fn through(&mut self, value: Json<'_>) {
        match value {
            Json::Array(list) => {
                for (place, element) in list.iter().enumerate() {
                    self.path.enter(Step::Place(place));
                    self.through(element);
                    self.path.leave();
                }
            }
            Json::Object(object) => {
                for (name, value) in object.written() {
                    self.path.enter(Step::Member(name.get().as_ref().into()));
                    self.through(value);
                    self.path.leave();
                }
                if object.has_names_twice() {
                    self.tell(object);
                }
            }
            _ => {}
        }
    }

    fn tell(&mut self, object: JsonObject<'_>) {
        let mut times: BTreeMap<_, usize> = BTreeMap::new();
        for (name, _) in object.written() {
            *times.entry(name.get()).or_default() += 1;
        }
        for (name, times) in times.into_iter().filter(|(_, times)| *times > 1) {
            self.found.push(duplicate(self.path.member(&name), times, self.duplicates));
        }
    }
}
