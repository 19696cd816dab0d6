//! The caller's attributes, indexed in one pass over the request's bytes.

use super::{
    encoded::{self, BadContext},
    value::{Arena, Member, Object, Text, Value},
};

/// The attribute flagd reserves for the flag's key and the time; a caller's own is overwritten.
pub(crate) const FLAGD: &str = "$flagd";

/// The attribute that names the unit being bucketed.
pub(crate) const TARGETING_KEY: &str = "targetingKey";

/// The buffers of evaluations to come, owned by the caller so that they stay warm.
#[derive(Debug, Default)]
pub struct Scratch {
    attributes: Vec<Member<'static>>,
    arena: Arena<'static>,
}

/// A context, and room to evaluate any number of flags for it.
#[derive(Debug)]
pub struct Evaluator<'a, 's> {
    pub(crate) attributes: Vec<Member<'a>>,
    pub(crate) arena: Arena<'a>,
    /// Unix seconds; rules see it as `$flagd.timestamp`.
    pub(crate) timestamp: i64,
    pub(crate) key: &'a str,
    pub(crate) state: super::evaluate::State,
    scratch: &'s mut Scratch,
}

/// No buffer keeps more elements (or bytes) than this between requests: one huge context must not
/// pin its memory for ever.
const KEEP: usize = 16 * 1024;

impl<'a, 's> Evaluator<'a, 's> {
    /// Indexes `context`, an encoded `google.protobuf.Struct`; empty bytes are no attributes.
    pub fn new(
        scratch: &'s mut Scratch,
        context: &'a [u8],
        timestamp: i64,
    ) -> Result<Self, BadContext> {
        let arena = std::mem::take(&mut scratch.arena);
        let mut evaluator = Self {
            attributes: emptied(std::mem::take(&mut scratch.attributes)),
            arena: Arena {
                text: arena.text,
                items: recycled(arena.items),
                members: emptied(arena.members),
                stack: recycled(arena.stack),
                bytes: arena.bytes,
            },
            timestamp,
            key: "",
            state: Default::default(),
            scratch,
        };
        for member in encoded::members(context) {
            let (name, value) = member?;
            encoded::validate(&value)?;
            if name != FLAGD {
                evaluator.attributes.push((Text::Given(name), value));
            }
        }
        Ok(evaluator)
    }

    /// The attribute `name` of an object; of two with one name the later counts.
    pub(crate) fn attribute(&self, object: Object<'a>, name: &str) -> Option<Value<'a>> {
        let last = |members: &[Member<'a>]| {
            members.iter().rev().find(|(known, _)| self.arena.str(*known) == name).map(|m| m.1)
        };
        match object {
            Object::Context if name == FLAGD => Some(Value::Object(Object::Flagd)),
            Object::Context => last(&self.attributes),
            Object::Flagd => match name {
                "flagKey" => Some(Value::text(self.key)),
                "timestamp" => Some(Value::Number(self.timestamp as f64)),
                _ => None,
            },
            Object::Given(bytes) => {
                encoded::members(bytes).flatten().filter(|m| m.0 == name).last().map(|m| m.1)
            }
            Object::Made(span) => last(self.arena.members.get(span.start..span.end)?),
        }
    }

    /// Appends the attributes of an object to the arena's members.
    pub(crate) fn push_members(&mut self, object: Object<'a>) {
        let members = &mut self.arena.members;
        match object {
            Object::Context => {
                members.extend_from_slice(&self.attributes);
                members.push((Text::Given(FLAGD), Value::Object(Object::Flagd)));
            }
            Object::Flagd => members.extend([
                (Text::Given("flagKey"), Value::text(self.key)),
                (Text::Given("timestamp"), Value::Number(self.timestamp as f64)),
            ]),
            Object::Given(bytes) => members.extend(
                encoded::members(bytes).flatten().map(|(name, value)| (Text::Given(name), value)),
            ),
            Object::Made(span) => {
                for at in span.start..span.end {
                    if let Some(member) = members.get(at).copied() {
                        members.push(member);
                    }
                }
            }
        }
    }
}

impl Drop for Evaluator<'_, '_> {
    fn drop(&mut self) {
        let mut arena = std::mem::take(&mut self.arena);
        arena.clear();
        arena.text.shrink_to(KEEP);
        arena.bytes.shrink_to(KEEP);
        self.scratch.attributes = emptied(std::mem::take(&mut self.attributes));
        self.scratch.arena = Arena {
            text: arena.text,
            items: recycled(arena.items),
            members: emptied(arena.members),
            stack: recycled(arena.stack),
            bytes: arena.bytes,
        };
    }
}

/// Empties a buffer and gives it back for values of another life. Collecting a vector's own
/// iterator into one of the same layout reuses its memory.
fn recycled<'b>(mut values: Vec<Value<'_>>) -> Vec<Value<'b>> {
    values.clear();
    values.shrink_to(KEEP);
    values.into_iter().map(|_| Value::Null).collect()
}

/// As [`recycled`], for attributes.
fn emptied<'b>(mut members: Vec<Member<'_>>) -> Vec<Member<'b>> {
    members.clear();
    members.shrink_to(KEEP);
    members.into_iter().map(|_| (Text::Given(""), Value::Null)).collect()
}
