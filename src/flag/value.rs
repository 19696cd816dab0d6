//! A value while a rule runs: small, `Copy`, and borrowed from the flag, the request or the arena.
//!
//! What a rule makes itself (a joined string, a filtered list) lies in the [`Arena`], which keeps
//! its memory from one evaluation to the next: that is why evaluating allocates nothing once warm.

use super::encoded;
use std::cell::Cell;

/// A value of the JSON data model.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(f64),
    String(Text<'a>),
    List(List<'a>),
    Object(Object<'a>),
}

/// A string: given by the flag or the request, or made by a rule.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Text<'a> {
    Given(&'a str),
    Made(Span),
}

/// A list: an encoded `ListValue`, or made by a rule.
#[derive(Debug, Clone, Copy)]
pub(crate) enum List<'a> {
    Given(&'a [u8]),
    Made(Span),
}

/// An object: an encoded `Struct`, made by a rule, or one of the two every evaluation has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Object<'a> {
    Given(&'a [u8]),
    Made(Span),
    /// The whole context, `$flagd` included.
    Context,
    /// `$flagd`: the flag's key and the time of the evaluation.
    Flagd,
}

/// A stretch of an arena buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl<'a> Value<'a> {
    pub(crate) fn text(text: &'a str) -> Self {
        Self::String(Text::Given(text))
    }

    /// Whether it is this text, as a flag or a request has it.
    pub(crate) fn is_text(&self, text: &str) -> bool {
        matches!(self, Self::String(Text::Given(given)) if *given == text)
    }

    pub(crate) fn list(encoded: &'a [u8]) -> Self {
        Self::List(List::Given(encoded))
    }

    pub(crate) fn object(encoded: &'a [u8]) -> Self {
        Self::Object(Object::Given(encoded))
    }

    pub(crate) fn encoded_list(&self) -> Option<&'a [u8]> {
        if let Self::List(List::Given(bytes)) = self { Some(bytes) } else { None }
    }

    pub(crate) fn encoded_object(&self) -> Option<&'a [u8]> {
        if let Self::Object(Object::Given(bytes)) = self { Some(bytes) } else { None }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Empty text, lists and objects are false, as are 0, false and null.
    pub(crate) fn is_true(&self, arena: &Arena<'a>) -> bool {
        match *self {
            Self::Null => false,
            Self::Bool(bit) => bit,
            Self::Number(number) => number != 0.0,
            Self::String(text) => !arena.str(text).is_empty(),
            Self::List(List::Given(bytes)) | Self::Object(Object::Given(bytes)) => {
                !bytes.is_empty()
            }
            Self::List(List::Made(span)) | Self::Object(Object::Made(span)) => {
                span.start < span.end
            }
            Self::Object(Object::Context | Object::Flagd) => true,
        }
    }
}

/// An attribute: its name and its value.
pub(crate) type Member<'a> = (Text<'a>, Value<'a>);

/// Where a running rule keeps what it makes.
#[derive(Debug, Default)]
pub(crate) struct Arena<'a> {
    pub(crate) text: String,
    /// The elements of made lists; every made list is one stretch of it.
    pub(crate) items: Vec<Value<'a>>,
    /// The attributes of made objects, likewise.
    pub(crate) members: Vec<Member<'a>>,
    /// Arguments of the operators under way.
    pub(crate) stack: Vec<Value<'a>>,
    /// The bytes a split hashes.
    pub(crate) bytes: Vec<u8>,
    /// Attributes and elements looked at so far.
    work: Cell<usize>,
}

/// One evaluation looks at so many attributes and elements at most: a context comes from a client,
/// and a long list in it times many attributes must not hold a thread. That is some 0.1 s.
const MAX_WORK: usize = 1 << 24;

impl<'a> Arena<'a> {
    /// Notes that so many attributes or elements are looked at.
    pub(crate) fn spend(&self, count: usize) {
        self.work.set(self.work.get().saturating_add(count));
    }

    /// Whether the evaluation has looked at more than it may.
    pub(crate) fn is_spent(&self) -> bool {
        self.work.get() > MAX_WORK
    }

    pub(crate) fn str<'s>(&'s self, text: Text<'a>) -> &'s str
    where
        'a: 's,
    {
        match text {
            Text::Given(text) => text,
            Text::Made(span) => self.text.get(span.start..span.end).unwrap_or_default(),
        }
    }

    /// Appends a text to the bytes a split hashes.
    pub(crate) fn push_bytes(&mut self, text: Text<'a>) {
        let text = match text {
            Text::Given(text) => text,
            Text::Made(span) => self.text.get(span.start..span.end).unwrap_or_default(),
        };
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// The string begun when the buffer was `start` long.
    pub(crate) fn made_text(&self, start: usize) -> Value<'a> {
        Value::String(Text::Made(Span { start, end: self.text.len() }))
    }

    /// Makes a list of the arguments above `base` and takes them off the stack.
    pub(crate) fn list_from_stack(&mut self, base: usize) -> Value<'a> {
        let start = self.items.len();
        self.items.extend(self.stack.drain(base..));
        Value::List(List::Made(Span { start, end: self.items.len() }))
    }

    /// Pushes the elements of a list onto the stack.
    pub(crate) fn push_elements(&mut self, list: List<'a>) {
        let before = self.stack.len();
        match list {
            // Contexts were validated and literals encoded here, so nothing malformed is left.
            List::Given(bytes) => self.stack.extend(encoded::elements(bytes).flatten()),
            List::Made(span) => {
                let items = self.items.get(span.start..span.end).unwrap_or_default();
                self.stack.extend_from_slice(items);
            }
        }
        self.spend(self.stack.len() - before);
    }

    /// The element at `index`.
    pub(crate) fn element(&self, list: List<'a>, index: usize) -> Option<Value<'a>> {
        match list {
            List::Given(bytes) => {
                self.spend(index.min(bytes.len()));
                encoded::elements(bytes).flatten().nth(index)
            }
            List::Made(span) => {
                self.items.get(span.start..span.end).unwrap_or_default().get(index).copied()
            }
        }
    }

    /// The arguments above `base`.
    pub(crate) fn arguments(&self, base: usize) -> &[Value<'a>] {
        self.stack.get(base..).unwrap_or_default()
    }

    /// The same buffers, empty, for values of another life.
    pub(crate) fn reborn<'b>(mut self) -> Arena<'b> {
        self.clear();
        self.text.shrink_to(KEEP);
        self.bytes.shrink_to(KEEP);
        Arena {
            text: self.text,
            items: recycled(self.items),
            members: emptied(self.members),
            stack: recycled(self.stack),
            bytes: self.bytes,
            work: self.work,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.items.clear();
        self.members.clear();
        self.stack.clear();
        self.bytes.clear();
        self.work.set(0);
    }
}

/// No buffer keeps more elements (or bytes) than this between requests: one huge context must not
/// pin its memory for ever.
pub(crate) const KEEP: usize = 16 * 1024;

/// Empties a buffer and gives it back for values of another life. Collecting a vector's own
/// iterator into one of the same layout reuses its memory.
fn recycled<'b>(mut values: Vec<Value<'_>>) -> Vec<Value<'b>> {
    if values.capacity() == 0 {
        return Vec::new();
    }
    values.clear();
    values.shrink_to(KEEP);
    values.into_iter().map(|_| Value::Null).collect()
}

/// As [`recycled`], for members of made objects.
fn emptied<'b>(mut members: Vec<Member<'_>>) -> Vec<Member<'b>> {
    if members.capacity() == 0 {
        return Vec::new();
    }
    members.clear();
    members.shrink_to(KEEP);
    members.into_iter().map(|_| (Text::Given(""), Value::Null)).collect()
}
