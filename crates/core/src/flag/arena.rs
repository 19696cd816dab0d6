//! The memory of a running rule: what it makes, and the arguments under way.
//!
//! The buffers are kept from one evaluation to the next, so evaluating allocates nothing once warm.
//! Each buffer has a bound. Together with the indexed attributes of a context (`context.rs`) they
//! hold less than 4 MiB.

use super::{
    budget::EvaluationBudget,
    encoded::{self, FieldContent, Fields},
    value::{List, Span, Text, Value},
};
use std::ops::Range;

/// At most this many attributes are indexed, 640 KiB of them. A context with more is read again for
/// each look-up.
pub(crate) const MAX_INDEXED: usize = 1 << 14;

/// An attribute: its name and its value.
pub(crate) type Member<'a> = (Text<'a>, Value<'a>);

/// The arguments under way at one moment: 768 KiB of them.
const MAX_STACK: usize = 1 << 15;

/// The elements of all lists that an evaluation makes: 768 KiB of them.
const MAX_ITEMS: usize = 1 << 15;

/// The attributes of all objects that an evaluation makes: 320 KiB of them.
const MAX_MEMBERS: usize = 1 << 13;

/// All texts that an evaluation makes, and the bytes it hashes.
const MAX_TEXT: usize = 1 << 20;

/// All of that and the indexed attributes. The buffer of the text may be twice as long as the text
/// while bytes to hash take the other half, hence one and a half.
const MOST_HELD: usize = (MAX_STACK + MAX_ITEMS) * size_of::<Value<'_>>()
    + MAX_MEMBERS * size_of::<Member<'_>>()
    + MAX_TEXT / 2 * 3
    + MAX_INDEXED * size_of::<(&str, Value<'_>)>();
const _: () = assert!(MOST_HELD < 4 << 20);

/// The longest text of a number.
const NUMBER: usize = 400;

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
    pub(crate) budget: EvaluationBudget,
}

/// The elements of a list, one at a time. [`Arena::next`] charges for each.
#[derive(Debug)]
pub(crate) enum Elements<'a> {
    Given(Fields<'a>),
    Made(Range<usize>),
}

impl<'a> Arena<'a> {
    pub(crate) fn str<'s>(&'s self, text: Text<'a>) -> &'s str
    where
        'a: 's,
    {
        match text {
            Text::Given(text) => text,
            Text::Made(span) => self.text.get(span.range()).unwrap_or_default(),
        }
    }

    /// Whether two texts are the same.
    pub(crate) fn is_same(&self, a: Text<'a>, b: Text<'a>) -> bool {
        self.budget.is_same(self.str(a), self.str(b))
    }

    /// Makes room for so many bytes of text; false if an evaluation may not make that much.
    fn has_text_room(&mut self, length: usize) -> bool {
        let end = self.text.len().saturating_add(length);
        if end.saturating_add(self.bytes.len()) > MAX_TEXT {
            self.budget.overflow();
        }
        if !self.budget.affords(length / 8 + 1) {
            return false;
        }
        if end > self.text.capacity() {
            let room = end.next_power_of_two().min(MAX_TEXT - self.bytes.len());
            self.text.reserve_exact(room - self.text.len());
        }
        true
    }

    /// Appends to the text under way.
    pub(crate) fn append(&mut self, text: &str) {
        if self.has_text_room(text.len()) {
            self.text.push_str(text);
        }
    }

    /// Appends a text, which may be one that was made before.
    pub(crate) fn append_text(&mut self, text: Text<'a>) {
        match text {
            Text::Given(text) => self.append(text),
            Text::Made(span) => {
                if self.has_text_room(span.len()) {
                    self.text.extend_from_within(span.range());
                }
            }
        }
    }

    /// Appends a number as `write` writes it.
    pub(crate) fn append_number(
        &mut self,
        number: f64,
        write: impl FnOnce(&mut String, f64) -> std::fmt::Result,
    ) {
        if self.has_text_room(NUMBER) {
            // Writing to a string cannot fail.
            write(&mut self.text, number).unwrap_or_default();
        }
    }

    /// Appends bytes to those that a split hashes.
    pub(crate) fn hash_bytes(&mut self, bytes: &[u8]) {
        if self.has_byte_room(bytes.len()) {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Appends a text to the bytes that a split hashes.
    pub(crate) fn hash_text(&mut self, text: Text<'a>) {
        if self.has_byte_room(self.str(text).len()) {
            let text = match text {
                Text::Given(text) => text,
                Text::Made(span) => self.text.get(span.range()).unwrap_or_default(),
            };
            self.bytes.extend_from_slice(text.as_bytes());
        }
    }

    /// As [`has_text_room`](Self::has_text_room); the price includes that of the hash.
    fn has_byte_room(&mut self, length: usize) -> bool {
        let end = self.bytes.len().saturating_add(length);
        if end.saturating_add(self.text.len()) > MAX_TEXT {
            self.budget.overflow();
        }
        if !self.budget.affords(length + 4) {
            return false;
        }
        if end > self.bytes.capacity() {
            let room = end.next_power_of_two().min(MAX_TEXT - self.text.len());
            self.bytes.reserve_exact(room - self.bytes.len());
        }
        true
    }

    /// The string begun when the buffer was `start` long.
    pub(crate) fn made_text(&self, start: usize) -> Value<'a> {
        Value::String(Text::Made(Span::new(start, self.text.len())))
    }

    /// Pushes an argument.
    #[inline]
    pub(crate) fn push(&mut self, value: Value<'a>) {
        if self.stack.len() < MAX_STACK {
            self.stack.push(value);
        } else {
            self.budget.overflow();
        }
    }

    /// Adds an attribute to the object under way.
    pub(crate) fn push_member(&mut self, member: Member<'a>) {
        if self.members.len() >= MAX_MEMBERS {
            self.budget.overflow();
        } else if self.budget.affords(4) {
            self.members.push(member);
        }
    }

    /// Makes a list of the arguments above `base` and takes them off the stack.
    pub(crate) fn list_from_stack(&mut self, base: usize) -> Value<'a> {
        let start = self.items.len();
        let count = self.stack.len().saturating_sub(base);
        if start + count > MAX_ITEMS {
            self.budget.overflow();
        }
        if self.budget.affords(count * 2) {
            let end = start + count;
            if end > self.items.capacity() {
                self.items.reserve_exact(end.next_power_of_two() - start);
            }
            self.items.extend(self.stack.drain(base..));
        }
        self.stack.truncate(base);
        Value::List(List::Made(Span::new(start, self.items.len())))
    }

    /// The elements of a list.
    pub(crate) fn elements(&self, list: List<'a>) -> Elements<'a> {
        match list {
            List::Given(bytes) => Elements::Given(Fields::new(bytes)),
            List::Made(span) => Elements::Made(span.range()),
        }
    }

    /// The next element; `None` after the last, and once the budget is exhausted.
    pub(crate) fn next(&self, elements: &mut Elements<'a>) -> Option<Value<'a>> {
        match elements {
            Elements::Given(fields) => {
                for field in fields {
                    // Contexts were validated and literals encoded here, so none is malformed.
                    let element = match field {
                        Ok((1, FieldContent::Bytes(element))) => element,
                        _ => &[],
                    };
                    if !self.budget.affords(8 + element.len()) {
                        return None;
                    }
                    if let Ok((1, FieldContent::Bytes(element))) = field
                        && let Ok(value) = encoded::value(element)
                    {
                        return Some(value);
                    }
                }
                None
            }
            Elements::Made(places) => {
                let place = places.next()?;
                if self.budget.affords(4) { self.items.get(place).copied() } else { None }
            }
        }
    }

    /// Pushes the elements of a list onto the stack.
    pub(crate) fn push_elements(&mut self, list: List<'a>) {
        let mut elements = self.elements(list);
        while let Some(element) = self.next(&mut elements) {
            self.push(element);
        }
    }

    /// The element at `index`.
    pub(crate) fn element(&self, list: List<'a>, index: usize) -> Option<Value<'a>> {
        match list {
            List::Given(_) => {
                let mut elements = self.elements(list);
                for _ in 0..index {
                    self.next(&mut elements)?;
                }
                self.next(&mut elements)
            }
            List::Made(span) => {
                self.items.get(span.range()).unwrap_or_default().get(index).copied()
            }
        }
    }

    /// The arguments above `base`.
    pub(crate) fn arguments(&self, base: usize) -> &[Value<'a>] {
        self.stack.get(base..).unwrap_or_default()
    }

    /// The bytes that the buffers have allocated.
    pub(crate) fn held(&self) -> usize {
        self.text.capacity()
            + self.bytes.capacity()
            + (self.items.capacity() + self.stack.capacity()) * size_of::<Value<'_>>()
            + self.members.capacity() * size_of::<Member<'_>>()
    }

    /// The same buffers, empty, for values of another life.
    pub(crate) fn reborn<'b>(mut self) -> Arena<'b> {
        self.clear();
        self.text.shrink_to(KEEP);
        Arena {
            text: self.text,
            items: recycled(self.items),
            members: emptied(self.members),
            stack: recycled(self.stack),
            bytes: self.bytes,
            budget: EvaluationBudget::default(),
        }
    }

    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.items.clear();
        self.members.clear();
        self.stack.clear();
        self.clear_bytes();
        self.budget = EvaluationBudget::default();
    }

    /// Empties the bytes to hash. Their memory counts as that of the text, so little of it is kept.
    pub(crate) fn clear_bytes(&mut self) {
        self.bytes.clear();
        if self.bytes.capacity() > KEEP {
            self.bytes.shrink_to(KEEP);
        }
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
