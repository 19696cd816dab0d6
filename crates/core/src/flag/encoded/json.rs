//! Encoded values as JSON.

use super::{elements, members};
use crate::flag::value::{List, Object, Text, Value};
use serde_json::Value as Json;

/// The JSON of an encoded object of ours.
pub fn decode_object(object: &[u8]) -> Json {
    members(object).flatten().map(|(name, value)| (name.to_owned(), to_json(value))).collect()
}

/// A number as people write it: whole ones without a fraction.
pub fn json_number(number: f64) -> Json {
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
