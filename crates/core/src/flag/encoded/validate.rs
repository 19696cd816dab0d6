//! The check that every value of a context is one that rules can work with.

use super::{Malformed, elements, members};
use crate::flag::value::Value;

/// Messages nest at most this deep, the bound of the protobuf libraries themselves.
const MAX_DEPTH: usize = 100;

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
