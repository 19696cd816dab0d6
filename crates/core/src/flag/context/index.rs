//! One pass over the bytes of a context: checks all of it and collects the attributes.
//!
//! The pass is a third of an answer. Members in the form that every encoder writes are read by the
//! patterns of [`short_member`], all others by [`encoded::member`], which reads any form.

use super::{Attribute, FLAGD};
use crate::flag::{
    arena::MAX_INDEXED,
    encoded::{self, BadContext, FieldContent, Fields, TextDecoder, part_of},
    value::Value,
};

/// Fills `attributes`. Returns false, and no attributes, if the context has too many.
pub(super) fn fill<'a>(
    attributes: &mut Vec<Attribute<'a>>,
    context: &'a [u8],
) -> Result<bool, BadContext> {
    let texts = TextDecoder::of(context);
    // An attribute takes at least two bytes, so this counts those of large contexts alone.
    if context.len() > 2 * MAX_INDEXED
        && Fields::new(context).take(MAX_INDEXED + 1).count() > MAX_INDEXED
    {
        for field in Fields::new(context) {
            let (1, FieldContent::Bytes(entry)) = field? else { continue };
            any_member(entry, texts)?;
        }
        return Ok(false);
    }
    match texts.whole() {
        Some(whole) => collect(attributes, context, texts, |bytes| part_of(whole, bytes))?,
        None => collect(attributes, context, texts, |bytes| std::str::from_utf8(bytes).ok())?,
    }
    Ok(true)
}

/// Collects the attributes; `read` makes a text of bytes of the context.
fn collect<'a>(
    attributes: &mut Vec<Attribute<'a>>,
    context: &'a [u8],
    texts: TextDecoder<'a>,
    read: impl Fn(&'a [u8]) -> Option<&'a str>,
) -> Result<(), BadContext> {
    for field in Fields::new(context) {
        let (1, FieldContent::Bytes(entry)) = field? else { continue };
        let attribute = match short_member(entry, &read) {
            Some(attribute) => attribute,
            None => any_member(entry, texts)?,
        };
        if attribute.0 != FLAGD {
            attributes.push(attribute);
        }
    }
    Ok(())
}

/// A member of a short name and a short scalar, if it is well-formed.
#[inline]
fn short_member<'a>(
    entry: &'a [u8],
    read: &impl Fn(&'a [u8]) -> Option<&'a str>,
) -> Option<Attribute<'a>> {
    let (name, value) = encoded::parts_of_short(entry)?;
    let value = match value {
        [0x1a, length @ ..0x80, text @ ..] if usize::from(*length) == text.len() => {
            Value::text(read(text)?)
        }
        [0x11, bits @ ..] => {
            let number = f64::from_le_bytes(bits.try_into().ok()?);
            number.is_finite().then_some(Value::Number(number))?
        }
        [0x20, bit @ (0 | 1)] => Value::Bool(*bit == 1),
        _ => return None,
    };
    Some((read(name)?, value))
}

#[inline(never)]
fn any_member<'a>(entry: &'a [u8], texts: TextDecoder<'a>) -> Result<Attribute<'a>, BadContext> {
    let (name, value) = encoded::member(entry, texts)?;
    encoded::validate(&value)?;
    Ok((name, value))
}
