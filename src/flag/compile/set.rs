//! The literal list of an `in` as a set, so that ten thousand ids cost what one costs.

use crate::flag::{
    json::{Json, JsonList},
    number::parse_or_zero,
    packed::Packed,
    rule::{Set, Strings, is_spelled},
};
use std::{borrow::Cow, sync::Arc};

/// Up to so many strings, comparing each costs less than hashing one.
const FEW: usize = 8;

/// What `in` finds among literals, whichever the needle is (see `evaluate::list`).
pub(super) fn compile(elements: JsonList<'_>) -> Arc<Set> {
    let mut set = Set::default();
    let (mut numbers, mut ranges) = (Vec::new(), Vec::new());
    let mut strings: Vec<Cow<'_, str>> = Vec::new();
    for element in elements.iter() {
        match element {
            Json::Null => set.null = true,
            Json::Bool(bit) => {
                if let Some(known) = set.bools.get_mut(usize::from(bit)) {
                    *known = true;
                }
            }
            Json::Number(_) => numbers.push(operand(element)),
            Json::String(text) => strings.push(text.get()),
            Json::Array(bounds) => {
                if let [Some(low), Some(high)] = bounds.first() {
                    ranges.push((operand(low), operand(high)));
                }
            }
            Json::Object(_) => {}
        }
    }
    strings.sort_unstable();
    strings.dedup();
    // A number is also looked for among texts, read as numbers.
    let is_few = strings.len() <= FEW;
    let spelled = |text: &&Cow<'_, str>| !is_few && is_spelled(text);
    numbers.extend(strings.iter().filter(|text| !spelled(text)).map(|text| parse_or_zero(text)));
    // Adding 0 turns -0 into 0, so that both are found.
    numbers.iter_mut().for_each(|number| *number += 0.0);
    numbers.retain(|number| !number.is_nan());
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.dedup();
    let packed = if is_few { None } else { Packed::new(strings.iter().map(|text| &**text)) };
    set.strings = match packed {
        Some(packed) => Strings::Many(packed),
        None => Strings::Few(strings.into_iter().map(Box::from).collect()),
    };
    set.numbers = numbers.into();
    set.ranges = ranges.into();
    Arc::new(set)
}

fn operand(value: Json<'_>) -> f64 {
    match value {
        Json::Null => 0.0,
        Json::Bool(bit) => f64::from(bit),
        Json::Number(number) => number.as_f64(),
        Json::String(text) => parse_or_zero(&text.get()),
        Json::Array(_) | Json::Object(_) => f64::NAN,
    }
}
