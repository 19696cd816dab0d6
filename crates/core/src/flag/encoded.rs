//! Composite values as `google.protobuf.Struct` bytes, read in place.
//!
//! A request carries its context in this encoding and an object value leaves in it, so lists and
//! objects stay in it everywhere in the core: nothing is decoded before a rule asks for it.

mod fields;
mod json;
mod texts;
mod validate;

pub use crate::document::protobuf::encode_object;
pub use crate::document::protobuf::{put_bytes, put_double, put_varint, varint, varint_length};
pub use fields::{FieldContent, Fields};
pub use json::{decode_object, json_number};
pub(crate) use texts::{TextDecoder, part_of};
pub use validate::BadContext;
pub(crate) use validate::validate;

use super::value::Value;

/// The bytes are not the protobuf message they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed protobuf")]
pub struct Malformed;

/// The attributes of an encoded object, as written; of two with one name the later counts.
pub(crate) fn members(object: &[u8]) -> impl Iterator<Item = Result<(&str, Value<'_>), Malformed>> {
    Fields::new(object).filter_map(|field| match field {
        Ok((1, FieldContent::Bytes(entry))) => Some(member(entry, TextDecoder::EACH)),
        Ok(_) => None,
        Err(malformed) => Some(Err(malformed)),
    })
}

#[inline]
pub(crate) fn member<'a>(
    entry: &'a [u8],
    texts: TextDecoder<'a>,
) -> Result<(&'a str, Value<'a>), Malformed> {
    match parts_of_short(entry) {
        Some((name, value)) => Ok((texts.read(name)?, decode(value, texts)?)),
        None => any_member(entry, texts),
    }
}

/// Name and value of a member in the shape that every encoder gives a short one: name, then value, one
/// byte for each length.
#[inline]
pub(crate) fn parts_of_short(entry: &[u8]) -> Option<(&[u8], &[u8])> {
    let [0x0a, length @ ..0x80, rest @ ..] = entry else { return None };
    let (name, [0x12, size @ ..0x80, value @ ..]) = rest.split_at_checked((*length).into())? else {
        return None;
    };
    (usize::from(*size) == value.len()).then_some((name, value))
}

fn any_member<'a>(
    entry: &'a [u8],
    texts: TextDecoder<'a>,
) -> Result<(&'a str, Value<'a>), Malformed> {
    let (mut name, mut value) = ("", Value::Null);
    for field in Fields::new(entry) {
        match field? {
            (1, FieldContent::Bytes(bytes)) => name = texts.read(bytes)?,
            (2, FieldContent::Bytes(bytes)) => value = decode(bytes, texts)?,
            _ => {}
        }
    }
    Ok((name, value))
}

/// The elements of an encoded list.
pub(crate) fn elements(list: &[u8]) -> impl Iterator<Item = Result<Value<'_>, Malformed>> {
    Fields::new(list).filter_map(|field| match field {
        Ok((1, FieldContent::Bytes(bytes))) => Some(decode(bytes, TextDecoder::EACH)),
        Ok(_) => None,
        Err(malformed) => Some(Err(malformed)),
    })
}

/// The value that an element of a list or an attribute encodes.
pub(crate) fn value(encoded: &[u8]) -> Result<Value<'_>, Malformed> {
    decode(encoded, TextDecoder::EACH)
}

#[inline]
fn decode<'a>(value: &'a [u8], texts: TextDecoder<'a>) -> Result<Value<'a>, Malformed> {
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

fn decode_any<'a>(value: &'a [u8], texts: TextDecoder<'a>) -> Result<Value<'a>, Malformed> {
    let mut decoded = Value::Null;
    for field in Fields::new(value) {
        decoded = match field? {
            (1, FieldContent::Varint(_)) => Value::Null,
            (2, FieldContent::Fixed64(bits)) => Value::Number(f64::from_bits(bits)),
            (3, FieldContent::Bytes(bytes)) => Value::text(texts.read(bytes)?),
            (4, FieldContent::Varint(bit)) => Value::Bool(bit != 0),
            (5, FieldContent::Bytes(bytes)) => Value::object(bytes),
            (6, FieldContent::Bytes(bytes)) => Value::list(bytes),
            _ => decoded,
        };
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value as Json;

    /// The first attribute of a context, its texts checked together if they can be and one by one.
    #[track_caller]
    fn check(context: &[u8], expected: Result<&str, Malformed>) {
        let Some(Ok((1, FieldContent::Bytes(entry)))) = Fields::new(context).next() else {
            panic!("no entry")
        };
        for texts in [TextDecoder::of(context), TextDecoder::EACH] {
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
