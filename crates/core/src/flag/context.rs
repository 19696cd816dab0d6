//! The caller's attributes, indexed in one pass over the request's bytes.

mod index;

use super::{
    arena::{Arena, KEEP},
    encoded::{self, BadContext},
    value::{Object, Text, Value},
};

/// What a running evaluation remembers.
#[derive(Debug, Default)]
pub(crate) struct EvaluationState {
    /// A unit was bucketed.
    pub(super) split: bool,
    /// A split was reached that had nobody to bucket, for want of a targeting key.
    pub(super) lacks_targeting_key: bool,
}

/// The attribute flagd reserves for the flag's key and the time; a caller's own is overwritten.
pub(crate) const FLAGD: &str = "$flagd";

/// The attribute that names the unit being bucketed.
pub const TARGETING_KEY: &str = "targetingKey";

/// An attribute of the context.
type Attribute<'a> = (&'a str, Value<'a>);

/// Names up to this length are compared within the price of their attributes.
const SHORT_NAME: usize = 64;

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

/// What an evaluation took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Units of the budget, one or two nanoseconds each.
    pub cost: usize,
    /// The bytes that the evaluator holds for it.
    pub bytes: usize,
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
    attributes: Vec<Attribute<'a>>,
    context: &'a [u8],
    /// Whether `attributes` has all attributes of the context; else it has none.
    is_indexed: bool,
    pub(crate) arena: Arena<'a>,
    /// Unix seconds; rules see it as `$flagd.timestamp`.
    pub(crate) timestamp: i64,
    pub(crate) key: &'a str,
    pub(crate) state: EvaluationState,
    scratch: &'s mut Scratch,
}

impl<'a, 's> Evaluator<'a, 's> {
    /// Indexes `context`, an encoded `google.protobuf.Struct`; empty bytes are no attributes.
    #[inline]
    pub fn new(
        scratch: &'s mut Scratch,
        context: &'a [u8],
        timestamp: i64,
    ) -> Result<Self, BadContext> {
        let mut attributes: Vec<Attribute<'a>> = std::mem::take(&mut scratch.attributes);
        let is_indexed = match index::fill(&mut attributes, context) {
            Ok(is_indexed) => is_indexed,
            Err(bad) => {
                scratch.attributes = forgotten(attributes);
                return Err(bad);
            }
        };
        let arena = std::mem::take(&mut scratch.arena);
        let state = Default::default();
        Ok(Self { attributes, context, is_indexed, arena, timestamp, key: "", state, scratch })
    }

    /// The unit of the context.
    pub fn unit(&self) -> Option<Unit<'a>> {
        if !self.is_indexed {
            return Unit::of(self.context);
        }
        let key = self.attributes.iter().rev().find(|(name, _)| *name == TARGETING_KEY);
        key.and_then(|(_, value)| Unit::from_value(*value))
    }

    /// The attribute `name` of an object; of two with one name the later counts.
    #[inline]
    pub(crate) fn attribute(&self, object: Object<'a>, name: &str) -> Option<Value<'a>> {
        if !matches!(object, Object::Context) || !self.is_indexed {
            return self.attribute_not_indexed(object, name);
        }
        let attributes = &self.attributes;
        // Names of one length are compared; no more than the context has.
        let long = if name.len() > SHORT_NAME { self.context.len() / 8 } else { 0 };
        if !self.arena.budget.affords(attributes.len() + long) {
            return None;
        }
        match attributes.iter().rev().find(|(known, _)| *known == name) {
            Some((_, value)) => Some(*value),
            // Those of the caller do not have this name.
            None => (name == FLAGD).then_some(Value::Object(Object::Flagd)),
        }
    }

    #[inline(never)]
    fn attribute_not_indexed(&self, object: Object<'a>, name: &str) -> Option<Value<'a>> {
        match object {
            Object::Context if name == FLAGD => Some(Value::Object(Object::Flagd)),
            Object::Context => self.encoded_attribute(self.context, name),
            Object::Flagd => match name {
                "flagKey" => Some(Value::text(self.key)),
                "timestamp" => Some(Value::Number(self.timestamp as f64)),
                _ => None,
            },
            Object::Given(bytes) => self.encoded_attribute(bytes, name),
            Object::Made(span) => {
                let budget = &self.arena.budget;
                if !budget.affords(span.len() * 2) {
                    return None;
                }
                let mut members = self.arena.members.get(span.range())?.iter().rev();
                let is_it = |known| budget.is_same(self.arena.str(known), name);
                members.find(|(known, _)| is_it(*known)).map(|found| found.1)
            }
        }
    }

    /// The attribute `name` of an encoded object. All of it is read: the last one counts.
    fn encoded_attribute(&self, object: &'a [u8], name: &str) -> Option<Value<'a>> {
        if !self.arena.budget.affords(object.len() * 2 + 8) {
            return None;
        }
        encoded::members(object).flatten().filter(|m| m.0 == name).last().map(|m| m.1)
    }

    /// Appends the attributes of an object to the arena's members.
    pub(crate) fn push_members(&mut self, object: Object<'a>) {
        let arena = &mut self.arena;
        match object {
            // More attributes than are indexed are more than an object may have.
            Object::Context if !self.is_indexed => arena.budget.overflow(),
            Object::Context => {
                for (name, value) in &self.attributes {
                    arena.push_member((Text::Given(name), *value));
                }
                arena.push_member((Text::Given(FLAGD), Value::Object(Object::Flagd)));
            }
            Object::Flagd => {
                arena.push_member((Text::Given("flagKey"), Value::text(self.key)));
                let timestamp = Value::Number(self.timestamp as f64);
                arena.push_member((Text::Given("timestamp"), timestamp));
            }
            Object::Given(bytes) => {
                if arena.budget.affords(bytes.len() * 2 + 8) {
                    for (name, value) in encoded::members(bytes).flatten() {
                        arena.push_member((Text::Given(name), value));
                    }
                }
            }
            Object::Made(span) => {
                for at in span.range() {
                    if let Some(member) = arena.members.get(at).copied() {
                        arena.push_member(member);
                    }
                }
            }
        }
    }

    /// What the evaluation that ran last took: units of the budget, and
    /// the bytes that the evaluator holds.
    pub fn usage(&self) -> Usage {
        let attributes = self.attributes.capacity() * size_of::<Attribute<'_>>();
        Usage { cost: self.arena.budget.cost(), bytes: self.arena.held() + attributes }
    }

    /// Looks something up without charging for it: not the evaluation, an explanation asks.
    pub(crate) fn unpaid<T>(&mut self, ask: impl FnOnce(&Self) -> T) -> T {
        let budget = std::mem::take(&mut self.arena.budget);
        let answer = ask(self);
        self.arena.budget = budget;
        answer
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
