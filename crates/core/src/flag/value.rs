//! A value while a rule runs: small, `Copy`, and borrowed from the flag, the request or the arena.
//!
//! What a rule makes itself (a joined string, a filtered list) lies in the [`Arena`], which keeps
//! its memory from one evaluation to the next: that is why evaluating allocates nothing once warm.

use super::arena::Arena;
use std::ops::Range;

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

/// A stretch of an arena buffer. Buffers are bounded far below 2^32, and small spans keep a
/// [`Value`] at 24 bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let small = |place| u32::try_from(place).unwrap_or(u32::MAX);
        Self { start: small(start), end: small(end) }
    }

    pub(crate) fn range(self) -> Range<usize> {
        let place = |place| usize::try_from(place).unwrap_or(usize::MAX);
        place(self.start)..place(self.end)
    }

    pub(crate) fn len(self) -> usize {
        self.range().len()
    }
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
            Self::List(List::Made(span)) | Self::Object(Object::Made(span)) => span.len() > 0,
            Self::Object(Object::Context | Object::Flagd) => true,
        }
    }
}
