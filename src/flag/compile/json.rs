//! A part of a definition as a JSON value, with what is written twice in it.

use crate::flag::{
    diagnostic::{Diagnostic, Path, Step},
    integers,
    members::{Duplicates, duplicate},
    problems::Problems,
    syntax,
};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json, value::RawValue};
use std::{collections::BTreeMap, fmt};

/// Reads a value. Warns of duplicate members (the last one counts) and of integers that are rounded.
///
/// Fails with what no value can be made of: a number too large, or too deep a nesting.
pub(in crate::flag) fn read(
    raw: &RawValue,
    path: &Path,
    found: &mut Problems,
) -> Result<Json, Diagnostic> {
    read_with(raw, path, Duplicates::LastCounts, found)
}

/// As [`read`], for a format that sets its own rule for members with one name.
pub(in crate::flag) fn read_with(
    raw: &RawValue,
    path: &Path,
    duplicates: Duplicates,
    found: &mut Problems,
) -> Result<Json, Diagnostic> {
    let mut reader = Reader { path: path.clone(), duplicates, found };
    let mut text = serde_json::Deserializer::from_str(raw.get());
    let read = (&mut reader).deserialize(&mut text);
    let value = read.map_err(|error| syntax::error_within(raw.get(), &error, path.clone()))?;
    integers::warn(raw, path, found);
    Ok(value)
}

struct Reader<'f> {
    /// Of the value that is being read.
    path: Path,
    duplicates: Duplicates,
    found: &'f mut Problems,
}

impl<'de> DeserializeSeed<'de> for &mut Reader<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Reader<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: de::Error>(self, bit: bool) -> Result<Json, E> {
        Ok(bit.into())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Json, E> {
        Ok(number.into())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Json, E> {
        Ok(text.into())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Json, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut elements = Vec::new();
        self.path.enter(Step::Place(0));
        while let Some(element) = list.next_element_seed(&mut *self)? {
            elements.push(element);
            self.path.leave();
            self.path.enter(Step::Place(elements.len()));
        }
        self.path.leave();
        Ok(Json::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Map::new();
        let mut again: BTreeMap<String, usize> = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            self.path.enter(Step::Member(name.as_str().into()));
            let value = map.next_value_seed(&mut *self)?;
            self.path.leave();
            if members.contains_key(&name) {
                *again.entry(name.clone()).or_insert(1) += 1;
            }
            members.insert(name, value);
        }
        for (name, times) in again {
            self.found.push(duplicate(self.path.member(&name), times, self.duplicates));
        }
        Ok(Json::Object(members))
    }
}
