//! The caller's attributes, indexed in one pass over the request's bytes.

use super::{
    encoded::{self, BadContext, Content, Fields, Texts},
    value::{Arena, KEEP, Object, Text, Value},
};

/// The attribute flagd reserves for the flag's key and the time; a caller's own is overwritten.
pub(crate) const FLAGD: &str = "$flagd";

/// The attribute that names the unit being bucketed.
pub(crate) const TARGETING_KEY: &str = "targetingKey";

/// An attribute of the context.
type Attribute<'a> = (&'a str, Value<'a>);

/// Who meets a variant, as far as it matters for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit<'a> {
    /// Most often.
    Text(&'a str),
    /// The bits of a number.
    Number(u64),
    /// Hardly ever.
    Bool(bool),
}

impl<'a> Unit<'a> {
    /// The unit of a context that nobody has looked at; a malformed one has none.
    pub fn of(context: &'a [u8]) -> Option<Self> {
        let attributes = encoded::members(context).filter_map(Result::ok);
        let key = attributes.filter(|(name, _)| *name == TARGETING_KEY).last();
        key.and_then(|(_, value)| Self::from_value(value))
    }

    fn from_value(value: Value<'a>) -> Option<Self> {
        match value {
            Value::String(Text::Given("")) => None,
            Value::String(Text::Given(text)) => Some(Self::Text(text)),
            Value::Number(number) => Some(Self::Number(number.to_bits())),
            Value::Bool(bit) => Some(Self::Bool(bit)),
            _ => None,
        }
    }
}

/// The buffers of evaluations to come, owned by the caller so that they stay warm.
#[derive(Debug, Default)]
pub struct Scratch {
    attributes: Vec<Attribute<'static>>,
    arena: Arena<'static>,
}

/// A context, and room to evaluate any number of flags for it.
#[derive(Debug)]
pub struct Evaluator<'a, 's> {
    pub(crate) attributes: Vec<Attribute<'a>>,
    pub(crate) arena: Arena<'a>,
    /// Unix seconds; rules see it as `$flagd.timestamp`.
    pub(crate) timestamp: i64,
    pub(crate) key: &'a str,
    pub(crate) state: super::evaluate::State,
    scratch: &'s mut Scratch,
}

impl<'a, 's> Evaluator<'a, 's> {
    /// Indexes `context`, an encoded `google.protobuf.Struct`; empty bytes are no attributes.
    pub fn new(
        scratch: &'s mut Scratch,
        context: &'a [u8],
        timestamp: i64,
    ) -> Result<Self, BadContext> {
        let arena = std::mem::take(&mut scratch.arena);
        let mut evaluator = Self {
            attributes: forgotten(std::mem::take(&mut scratch.attributes)),
            arena: arena.reborn(),
            timestamp,
            key: "",
            state: Default::default(),
            scratch,
        };
        let texts = Texts::of(context);
        // Not by `members`: this loop is half of an answer, and is compiled better as one.
        for field in Fields::new(context) {
            let (1, Content::Bytes(entry)) = field? else { continue };
            let (name, value) = encoded::member(entry, texts)?;
            encoded::validate(&value)?;
            if name != FLAGD {
                evaluator.attributes.push((name, value));
            }
        }
        Ok(evaluator)
    }

    /// The unit of the context.
    pub fn unit(&self) -> Option<Unit<'a>> {
        let key = self.attributes.iter().rev().find(|(name, _)| *name == TARGETING_KEY);
        key.and_then(|(_, value)| Unit::from_value(*value))
    }

    /// The attribute `name` of an object; of two with one name the later counts.
    pub(crate) fn attribute(&self, object: Object<'a>, name: &str) -> Option<Value<'a>> {
        match object {
            Object::Context if name == FLAGD => Some(Value::Object(Object::Flagd)),
            Object::Context => {
                self.arena.spend(self.attributes.len());
                self.attributes.iter().rev().find(|(known, _)| *known == name).map(|found| found.1)
            }
            Object::Flagd => match name {
                "flagKey" => Some(Value::text(self.key)),
                "timestamp" => Some(Value::Number(self.timestamp as f64)),
                _ => None,
            },
            Object::Given(bytes) => {
                // Every member takes at least these four bytes.
                self.arena.spend(bytes.len() / 4);
                encoded::members(bytes).flatten().filter(|m| m.0 == name).last().map(|m| m.1)
            }
            Object::Made(span) => {
                self.arena.spend(span.end - span.start);
                let mut members = self.arena.members.get(span.start..span.end)?.iter().rev();
                members.find(|(known, _)| self.arena.str(*known) == name).map(|found| found.1)
            }
        }
    }

    /// Appends the attributes of an object to the arena's members.
    pub(crate) fn push_members(&mut self, object: Object<'a>) {
        let members = &mut self.arena.members;
        match object {
            Object::Context => {
                let attributes = self.attributes.iter();
                members.extend(attributes.map(|(name, value)| (Text::Given(name), *value)));
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
        self.scratch.attributes = forgotten(std::mem::take(&mut self.attributes));
        self.scratch.arena = std::mem::take(&mut self.arena).reborn();
    }
}

/// As an [arena's buffers](Arena::reborn), those of the context go from one life to the next.
fn forgotten<'b>(mut attributes: Vec<Attribute<'_>>) -> Vec<Attribute<'b>> {
    attributes.clear();
    attributes.shrink_to(KEEP);
    attributes.into_iter().map(|_| ("", Value::Null)).collect()
}
