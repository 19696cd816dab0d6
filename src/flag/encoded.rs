//! Composite values as `google.protobuf.Struct` bytes, read in place.
//!
//! A request carries its context in this encoding and an object value leaves in it, so lists and
//! objects stay in it everywhere in the core: nothing is decoded before a rule asks for it.

use super::value::{List, Object, Text, Value};
use serde_json::Value as Json;

/// The bytes are not the protobuf message they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed protobuf")]
pub struct Malformed;

/// Messages nest at most this deep, the bound of the protobuf libraries themselves.
const MAX_DEPTH: usize = 100;

/// One field's content, by wire type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Content<'a> {
    /// An integer, boolean or enum.
    Varint(u64),
    /// Eight bytes, little endian: a double.
    Fixed64(u64),
    /// A string, message or bytes.
    Bytes(&'a [u8]),
    /// Four bytes, of no use to us but to skip.
    Fixed32,
}

/// Walks the fields of one message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The fields of `message`, in the order they were written.
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self(message)
    }

    #[inline]
    fn varint(&mut self) -> Option<u64> {
        // Nearly every tag and length of a context is a single byte.
        match self.0.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.0 = rest;
                Some(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    #[cold]
    fn long_varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    #[inline]
    fn field(&mut self) -> Option<(u64, Content<'a>)> {
        let tag = self.varint()?;
        let content = match tag & 7 {
            0 => Content::Varint(self.varint()?),
            1 => Content::Fixed64(u64::from_le_bytes(self.fixed()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                let (bytes, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                Content::Bytes(bytes)
            }
            5 => {
                self.fixed::<4>()?;
                Content::Fixed32
            }
            _ => return None,
        };
        (tag >= 8).then_some((tag >> 3, content))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Content<'a>), Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or(Malformed))
    }
}

/// The attributes of an encoded object, as written; of two with one name the later counts.
pub(crate) fn members(object: &[u8]) -> impl Iterator<Item = Result<(&str, Value<'_>), Malformed>> {
    Fields::new(object).filter_map(|field| match field {
        Ok((1, Content::Bytes(entry))) => Some(member(entry, Texts::EACH)),
        Ok(_) => None,
        Err(malformed) => Some(Err(malformed)),
    })
}

#[inline]
pub(crate) fn member<'a>(
    entry: &'a [u8],
    texts: Texts<'a>,
) -> Result<(&'a str, Value<'a>), Malformed> {
    // The shape every encoder gives a short member: name, then value, one byte for each length.
    if let [0x0a, length @ ..0x80, rest @ ..] = entry
        && let Some((name, [0x12, size @ ..0x80, value @ ..])) =
            rest.split_at_checked(usize::from(*length))
        && usize::from(*size) == value.len()
    {
        return Ok((texts.read(name)?, decode(value, texts)?));
    }
    any_member(entry, texts)
}

fn any_member<'a>(entry: &'a [u8], texts: Texts<'a>) -> Result<(&'a str, Value<'a>), Malformed> {
    let (mut name, mut value) = ("", Value::Null);
    for field in Fields::new(entry) {
        match field? {
            (1, Content::Bytes(bytes)) => name = texts.read(bytes)?,
            (2, Content::Bytes(bytes)) => value = decode(bytes, texts)?,
            _ => {}
        }
    }
    Ok((name, value))
}

/// The elements of an encoded list.
pub(crate) fn elements(list: &[u8]) -> impl Iterator<Item = Result<Value<'_>, Malformed>> {
    Fields::new(list).filter_map(|field| match field {
        Ok((1, Content::Bytes(bytes))) => Some(decode(bytes, Texts::EACH)),
        Ok(_) => None,
        Err(malformed) => Some(Err(malformed)),
    })
}

/// The value that an element of a list or an attribute encodes.
pub(crate) fn value(encoded: &[u8]) -> Result<Value<'_>, Malformed> {
    decode(encoded, Texts::EACH)
}

#[inline]
fn decode<'a>(value: &'a [u8], texts: Texts<'a>) -> Result<Value<'a>, Malformed> {
    match value {
        [] => Ok(Value::Null),
        [0x1a, length @ ..0x80, bytes @ ..] if usize::from(*length) == bytes.len() => {
            Ok(Value::text(texts.read(bytes)?))
        }
        [0x11, bits @ ..] if let Ok(bits) = <[u8; 8]>::try_from(bits) => {
            Ok(Value::Number(f64::from_le_bytes(bits)))
        }
        [0x20, bit @ (0 | 1)] => Ok(Value::Bool(*bit == 1)),
        _ => decode_any(value, texts),
    }
}

fn decode_any<'a>(value: &'a [u8], texts: Texts<'a>) -> Result<Value<'a>, Malformed> {
    let mut decoded = Value::Null;
    for field in Fields::new(value) {
        decoded = match field? {
            (1, Content::Varint(_)) => Value::Null,
            (2, Content::Fixed64(bits)) => Value::Number(f64::from_bits(bits)),
            (3, Content::Bytes(bytes)) => Value::text(texts.read(bytes)?),
            (4, Content::Varint(bit)) => Value::Bool(bit != 0),
            (5, Content::Bytes(bytes)) => Value::object(bytes),
            (6, Content::Bytes(bytes)) => Value::list(bytes),
            _ => decoded,
        };
    }
    Ok(decoded)
}

/// Where the texts of a message are read from.
///
/// Checking a message at once costs less than checking each of its texts; it is only possible where
/// no length or number in it has a byte that text cannot have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts<'a> {
    whole: Option<&'a str>,
    start: usize,
}

impl<'a> Texts<'a> {
    /// Texts checked together, if the message allows it.
    pub(crate) fn of(message: &'a [u8]) -> Self {
        Self { whole: std::str::from_utf8(message).ok(), start: message.as_ptr() as usize }
    }

    /// Texts checked one by one.
    const EACH: Self = Self { whole: None, start: 0 };

    #[inline]
    fn read(self, bytes: &'a [u8]) -> Result<&'a str, Malformed> {
        let Some(whole) = self.whole else {
            return std::str::from_utf8(bytes).map_err(|_| Malformed);
        };
        let offset = (bytes.as_ptr() as usize).wrapping_sub(self.start);
        // A part that does not begin and end with whole characters is no text.
        whole.get(offset..offset.wrapping_add(bytes.len())).ok_or(Malformed)
    }
}

/// Why a context cannot be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadContext {
    /// It is no `google.protobuf.Struct`.
    #[error("malformed protobuf")]
    Malformed,
    /// Lists and objects in it nest too deep.
    #[error("a value of the context is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A number is NaN or infinite, which JSON cannot say.
    #[error("a number is not finite")]
    NotFinite,
}

impl From<Malformed> for BadContext {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Checks a value of a context, and what [`members`] left unread of it: everything inside.
#[inline]
pub(crate) fn validate(value: &Value<'_>) -> Result<(), BadContext> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(number) if number.is_finite() => Ok(()),
        _ => validate_to(value, MAX_DEPTH),
    }
}

fn validate_to(value: &Value<'_>, depth: usize) -> Result<(), BadContext> {
    let Some(depth) = depth.checked_sub(1) else { return Err(BadContext::TooDeep) };
    if let Value::Number(number) = value
        && !number.is_finite()
    {
        return Err(BadContext::NotFinite);
    }
    if let Some(bytes) = value.encoded_list() {
        for element in elements(bytes) {
            validate_part(&element?, depth)?;
        }
    }
    if let Some(bytes) = value.encoded_object() {
        for member in members(bytes) {
            validate_part(&member?.1, depth)?;
        }
    }
    Ok(())
}

/// Checks an element or an attribute: nearly all are good at first sight.
#[inline]
fn validate_part(value: &Value<'_>, depth: usize) -> Result<(), BadContext> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) if depth > 0 => Ok(()),
        _ => validate_to(value, depth),
    }
}

/// Encodes the attributes of a JSON object as a `google.protobuf.Struct`.
pub fn encode_object<'a>(members: impl IntoIterator<Item = (&'a String, &'a Json)>) -> Box<[u8]> {
    let mut out = Vec::new();
    let (mut entry, mut value) = (Vec::new(), Vec::new());
    for (name, json) in members {
        entry.clear();
        put_bytes(&mut entry, 1, name.as_bytes());
        value.clear();
        put_value(&mut value, json);
        put_bytes(&mut entry, 2, &value);
        put_bytes(&mut out, 1, &entry);
    }
    out.into_boxed_slice()
}

/// The JSON of an encoded object of ours.
pub(crate) fn decode_object(object: &[u8]) -> Json {
    members(object).flatten().map(|(name, value)| (name.to_owned(), to_json(value))).collect()
}

/// A number as people write it: whole ones without a fraction.
pub(crate) fn json_number(number: f64) -> Json {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
    if number.trunc() == number && number.abs() <= EXACT {
        return (number as i64).into();
    }
    number.into()
}

fn to_json(value: Value<'_>) -> Json {
    match value {
        Value::Bool(bit) => bit.into(),
        Value::Number(number) => json_number(number),
        Value::String(Text::Given(text)) => text.into(),
        Value::List(List::Given(list)) => elements(list).flatten().map(to_json).collect(),
        Value::Object(Object::Given(object)) => decode_object(object),
        // What rules make is never encoded.
        Value::Null | Value::String(_) | Value::List(_) | Value::Object(_) => Json::Null,
    }
}

fn put_value(out: &mut Vec<u8>, json: &Json) {
    match json {
        Json::Null => out.extend([0x08, 0]),
        Json::Number(number) => put_double(out, 2, number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => put_bytes(out, 3, text.as_bytes()),
        Json::Bool(bit) => put_varint(out, 4, u64::from(*bit)),
        Json::Object(members) => put_bytes(out, 5, &encode_object(members)),
        Json::Array(values) => {
            let mut list = Vec::new();
            for value in values {
                let mut element = Vec::new();
                put_value(&mut element, value);
                put_bytes(&mut list, 1, &element);
            }
            put_bytes(out, 6, &list);
        }
    }
}

/// Appends a length-delimited field.
pub(crate) fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    varint(out, u64::from(field) << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends an integer or boolean field.
pub(crate) fn put_varint(out: &mut Vec<u8>, field: u32, value: u64) {
    varint(out, u64::from(field) << 3);
    varint(out, value);
}

/// Appends a double field.
pub(crate) fn put_double(out: &mut Vec<u8>, field: u32, value: f64) {
    varint(out, u64::from(field) << 3 | 1);
    out.extend_from_slice(&value.to_le_bytes());
}

/// The bytes of a length, or of any other integer.
pub(crate) fn varint_length(value: usize) -> usize {
    let bits = usize::BITS - value.leading_zeros();
    bits.div_ceil(7).max(1) as usize
}

/// Appends an integer.
pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    // Below 0x80 here.
    out.push((value & 0x7f) as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first attribute of a context, its texts checked together if they can be and one by one.
    #[track_caller]
    fn check(context: &[u8], expected: Result<&str, Malformed>) {
        let Some(Ok((1, Content::Bytes(entry)))) = Fields::new(context).next() else {
            panic!("no entry")
        };
        for texts in [Texts::of(context), Texts::EACH] {
            let read = member(entry, texts).map(|(name, value)| format!("{name}: {value:?}"));
            assert_eq!(read.as_deref().map_err(|malformed| *malformed), expected);
        }
    }

    #[test]
    fn texts_are_the_same_whether_checked_together_or_one_by_one() {
        let value = Json::from("grün");
        check(&encode_object([(&"ä".to_owned(), &value)]), Ok("ä: String(Given(\"grün\"))"));
        // The bytes of 0.1 are no text, so the message cannot be checked at once.
        let (number, name) = (Json::from(0.1), "ä".to_owned());
        check(&encode_object([(&name, &number)]), Ok("ä: Number(0.1)"));
    }

    #[test]
    fn a_text_that_ends_within_a_character_is_malformed() {
        // The name is the first byte of "ä", and the second one is the next field's tag: as a
        // whole the message is text.
        check(&[0x0a, 3, 0x0a, 1, 0xc3, 0x0a, 2, 0xa4, 0], Err(Malformed));
    }
}
