//! A definition file as written: read flag by flag, each a slice of the text.
//!
//! Slices keep one broken (or too deep) flag from hurting the others, and spare the memory a
//! document tree of ten thousand flags would cost.

use super::diagnostic::Diagnostic;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// The members of a JSON object in the order they were written, duplicates included.
#[derive(Debug, Default)]
pub(crate) struct Members<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The member called `name` in any case, as in flagd; of several the last counts.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let named = |member: &&(Cow<'a, str>, _)| member.0.eq_ignore_ascii_case(name);
        self.0.iter().rev().find(named).map(|(_, value)| *value)
    }

    pub(crate) fn parse(object: &'a RawValue) -> Option<Self> {
        serde_json::from_str(object.get()).ok()
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
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
        deserializer.deserialize_map(Object)
    }
}

/// A member's name, borrowed unless it had to be unescaped.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
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
        deserializer.deserialize_str(Text)
    }
}

/// The elements of a JSON array.
struct Elements<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Array;
        impl<'de> Visitor<'de> for Array {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = array.next_element()? {
                    elements.push(element);
                }
                Ok(Elements(elements))
            }
        }
        deserializer.deserialize_seq(Array)
    }
}

/// The parts of a definition file that mean something.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    /// Key and definition of each flag, in the order they were written.
    pub(crate) flags: Vec<(Cow<'a, str>, &'a RawValue)>,
    pub(crate) evaluators: Members<'a>,
    pub(crate) metadata: Option<&'a RawValue>,
}

/// Every file has at most this many flags.
const MAX_FLAGS: usize = 100_000;

impl<'a> Document<'a> {
    /// Reads a file's text. An error means that nothing in the file can be served.
    pub(crate) fn parse(
        text: &'a str,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Result<Self, Diagnostic> {
        if text.starts_with('\u{feff}') {
            let message = "begins with a byte order mark, which is no JSON";
            return Err(Diagnostic::error("file", message, "save it as UTF-8 without one"));
        }
        let members: Members<'a> = serde_json::from_str(text).map_err(|error| {
            let help = "mend it there; the file must be one JSON object";
            Diagnostic::error("file", error.to_string(), help)
        })?;
        let flags = members.get("flags").ok_or_else(|| {
            Diagnostic::error("flags", "is missing", "put the flags in an object \"flags\"")
        })?;
        let flags = match flags.get().as_bytes().first() {
            Some(b'{') => Members::parse(flags).map(|flags| flags.0),
            Some(b'[') => Some(keyed(flags, diagnostics)),
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
                diagnostics.push(Diagnostic::warning("$evaluators", "is not an object", help));
                Members::default()
            }),
        };
        Ok(Self { flags, evaluators, metadata: members.get("metadata") })
    }
}

/// The list form of `flags`: each flag carries its own key.
fn keyed<'a>(
    flags: &'a RawValue,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(Cow<'a, str>, &'a RawValue)> {
    let elements = serde_json::from_str(flags.get()).map_or_else(|_| Vec::new(), |Elements(e)| e);
    let mut keyed = Vec::with_capacity(elements.len());
    for (place, flag) in elements.into_iter().enumerate() {
        let key = Members::parse(flag).and_then(|members| members.get("key"));
        match key.and_then(|key| serde_json::from_str::<Name<'a>>(key.get()).ok()) {
            Some(Name(key)) if !key.is_empty() => keyed.push((key, flag)),
            _ => diagnostics.push(Diagnostic::error(
                format!("flags[{place}]"),
                "has no \"key\"",
                "in a list of flags each needs a \"key\" that is a non-empty string",
            )),
        }
    }
    keyed
}
