//! JSON read in place: values are slices of the text, with an index of long ones.
//!
//! A tree of values takes up to eighty times the memory of its text, and the peak of a reload would
//! be that of its largest definition. The index takes eight bytes for each list and object of more
//! than 32 bytes.

mod canonical;
mod encode;
mod walk;

pub use encode::{encode_list, encode_members, encode_object};
pub(crate) use walk::{JsonElements, JsonMembers};

use serde_json::Number;
use std::{borrow::Cow, cmp::Ordering};
use walk::JsonWalk;

/// A text that holds one valid JSON value, with the index of its long lists and objects.
#[derive(Debug)]
pub struct Indexed<'t> {
    text: &'t str,
    index: Box<[Extent]>,
}

/// How far a list or an object reaches.
#[derive(Debug, Clone, Copy)]
struct Extent {
    /// Bytes of its text, brackets included.
    length: u32,
    /// Long lists and objects in it, itself included.
    count: u32,
}

/// A JSON value.
#[derive(Debug, Clone, Copy)]
pub enum Json<'t> {
    Null,
    Bool(bool),
    Number(JsonNumber<'t>),
    String(JsonText<'t>),
    Array(JsonList<'t>),
    Object(JsonObject<'t>),
}

/// A number as it is written.
#[derive(Debug, Clone, Copy)]
pub struct JsonNumber<'t>(&'t str);

/// A string as it is written, quotes included.
#[derive(Debug, Clone, Copy)]
pub struct JsonText<'t>(&'t str);

/// A list as it is written.
#[derive(Debug, Clone, Copy)]
pub struct JsonList<'t> {
    text: &'t str,
    index: &'t [Extent],
}

/// An object as it is written. Of members with one name the last counts.
#[derive(Debug, Clone, Copy)]
pub struct JsonObject<'t> {
    text: &'t str,
    index: &'t [Extent],
}

impl<'t> Indexed<'t> {
    /// Indexes a text that was found to be valid; `None` if it is longer than four gigabytes.
    pub(crate) fn new(text: &'t str) -> Option<Self> {
        let text = text.trim();
        u32::try_from(text.len()).ok()?;
        Some(Self { text, index: index(text) })
    }

    /// The value.
    pub fn value(&self) -> Json<'_> {
        JsonWalk::new(self.text, &self.index).value().unwrap_or(Json::Null)
    }
}

/// The extents of all long lists and objects, in the order in which they begin.
fn index(text: &str) -> Box<[Extent]> {
    if !is_long(text.len()) {
        return Box::default();
    }
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut count = 0;
    walk::brackets(text, |at, bracket| match bracket {
        b'[' | b'{' => open.push((0, at)),
        _ => count += usize::from(open.pop().is_some_and(|(_, begins)| is_long(at + 1 - begins))),
    });
    // One allocation in its size: a list that grows takes three times its memory.
    let mut index: Vec<Extent> = Vec::with_capacity(count + MOST_SHORT);
    // The length of the text was found to fit.
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    walk::brackets(text, |at, bracket| match bracket {
        b'[' | b'{' => {
            open.push((index.len(), at));
            // Those within may all be long; short ones at the end of the index are taken out again.
            index.push(Extent { length: 0, count: 0 });
        }
        _ => {
            let Some((first, begins)) = open.pop() else { return };
            let (length, count) = (at + 1 - begins, small(index.len() - first));
            match index.get_mut(first) {
                Some(extent) if is_long(length) => {
                    *extent = Extent { length: small(length), count }
                }
                _ => index.truncate(first),
            }
        }
    });
    index.into_boxed_slice()
}

/// So many short lists and objects are open at once: each takes two bytes.
const MOST_SHORT: usize = SHORT / 2;

/// Whether a list or an object is in the index. Short ones are read as a whole to find their end.
fn is_long(length: usize) -> bool {
    length > SHORT
}

/// The bytes of a list or an object that is not in the index.
const SHORT: usize = 32;

impl<'t> Json<'t> {
    pub(crate) fn as_str(self) -> Option<Cow<'t, str>> {
        if let Self::String(text) = self { Some(text.get()) } else { None }
    }

    pub(crate) fn as_array(self) -> Option<JsonList<'t>> {
        if let Self::Array(list) = self { Some(list) } else { None }
    }

    pub(crate) fn as_object(self) -> Option<JsonObject<'t>> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    pub(crate) fn as_f64(self) -> Option<f64> {
        if let Self::Number(number) = self { Some(number.as_f64()) } else { None }
    }

    pub fn as_u64(self) -> Option<u64> {
        if let Self::Number(number) = self { number.get().as_u64() } else { None }
    }

    /// The member of an object.
    pub(crate) fn get(self, name: &str) -> Option<Self> {
        self.as_object()?.get(name)
    }

    pub(crate) fn is_null(self) -> bool {
        matches!(self, Self::Null)
    }

    pub fn is_array(self) -> bool {
        matches!(self, Self::Array(_))
    }

    pub(crate) fn is_object(self) -> bool {
        matches!(self, Self::Object(_))
    }

    pub(crate) fn is_string(self) -> bool {
        matches!(self, Self::String(_))
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self, Self::Number(_))
    }
}

impl JsonNumber<'_> {
    pub fn as_f64(self) -> f64 {
        self.get().as_f64().unwrap_or(f64::NAN)
    }

    pub(crate) fn get(self) -> Number {
        // It was found to be a number.
        serde_json::from_str(self.0).unwrap_or_else(|_| Number::from(0))
    }
}

impl<'t> JsonText<'t> {
    /// The text without its quotes and escapes.
    pub fn get(self) -> Cow<'t, str> {
        let inner = self.0.get(1..self.0.len().saturating_sub(1)).unwrap_or_default();
        match inner.contains('\\') {
            true => Cow::Owned(serde_json::from_str(self.0).unwrap_or_default()),
            false => Cow::Borrowed(inner),
        }
    }

    pub(crate) fn is(self, text: &str) -> bool {
        let inner = self.0.get(1..self.0.len().saturating_sub(1)).unwrap_or_default();
        // An escape is longer than what it stands for.
        match inner.len().cmp(&text.len()) {
            Ordering::Less => false,
            Ordering::Equal => inner == text && !inner.contains('\\'),
            Ordering::Greater => inner.contains('\\') && self.get() == text,
        }
    }
}

impl<'t> JsonList<'t> {
    pub(crate) fn iter(self) -> JsonElements<'t> {
        JsonElements::new(self.text, self.index)
    }

    pub(crate) fn len(self) -> usize {
        self.iter().count()
    }

    /// The first elements.
    pub(crate) fn first<const N: usize>(self) -> [Option<Json<'t>>; N] {
        let mut elements = self.iter();
        [(); N].map(|()| elements.next())
    }

    /// The elements, if there are so many.
    pub(crate) fn all<const N: usize>(self) -> Option<[Json<'t>; N]> {
        let mut elements = self.iter();
        let mut all = [Json::Null; N];
        for place in &mut all {
            *place = elements.next()?;
        }
        elements.next().is_none().then_some(all)
    }
}

impl<'t> JsonObject<'t> {
    /// The members as they are written, in their order.
    pub(crate) fn written(self) -> JsonMembers<'t> {
        JsonMembers::new(self.text, self.index)
    }

    /// The member of a name.
    pub(crate) fn get(self, name: &str) -> Option<Json<'t>> {
        let same = self.written().filter(|(known, _)| known.is(name));
        same.last().map(|(_, value)| value)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.written().next().is_none()
    }

    /// The member of an object that has one.
    pub(crate) fn only(self) -> Option<(Cow<'t, str>, Json<'t>)> {
        let mut members = self.written();
        let (name, mut value) = members.next()?;
        let name = name.get();
        for (other, last) in members {
            if !other.is(&name) {
                return None;
            }
            value = last;
        }
        Some((name, value))
    }

    /// Whether two members have one name.
    pub(crate) fn has_names_twice(self) -> bool {
        walk::has_names_twice(self)
    }

    /// The members in the order of their names, each once.
    pub fn members(self) -> impl ExactSizeIterator<Item = (Cow<'t, str>, Json<'t>)> {
        let places = walk::places(self);
        let member = move |place| {
            let member = walk::member_at(self, place);
            member.map_or((Cow::Borrowed(""), Json::Null), |(name, value)| (name.get(), value))
        };
        places.into_iter().map(member)
    }
}

#[cfg(test)]
mod tests;
