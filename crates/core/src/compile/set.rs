//! The literal list of an `in` as a set, so that ten thousand ids cost what one costs.

use crate::{
    document::{
        json::{Json, JsonList},
        number::parse_or_zero,
    },
    flag::{
        packed::Packed,
        rule::{LiteralSet, Strings, is_spelled},
    },
};
use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

/// Up to so many strings, comparing each costs less than hashing one.
const FEW: usize = 8;

/// What `in` finds among literals, whichever the needle is (see `evaluate::list`).
pub(super) fn compile(elements: JsonList<'_>) -> Arc<LiteralSet> {
    let mut set = LiteralSet::default();
    // Each list is allocated once in its size: lists that grow take three times their memory.
    let count = |is: fn(&Json<'_>) -> bool| elements.iter().filter(is).count();
    let texts = || elements.iter().filter_map(Json::as_str);
    let is_few = is_few(texts());
    let mut numbers = Vec::with_capacity(count(|element| element.is_number()));
    let mut ranges = Vec::with_capacity(count(|element| element.is_array()));
    for element in elements.iter() {
        match element {
            Json::Null => set.null = true,
            Json::Bool(bit) => {
                if let Some(known) = set.bools.get_mut(usize::from(bit)) {
                    *known = true;
                }
            }
            Json::Number(_) => numbers.push(operand(element)),
            Json::Array(bounds) => {
                if let [Some(low), Some(high)] = bounds.first() {
                    ranges.push((operand(low), operand(high)));
                }
            }
            Json::String(_) | Json::Object(_) => {}
        }
    }
    // A number is also looked for among texts, read as numbers.
    let spelled = |text: &Cow<'_, str>| !is_few && is_spelled(text);
    numbers.extend(
        texts()
            .filter(|text| !spelled(text))
            .map(|text| parse_or_zero(&text))
            .filter(|number| !number.is_nan()),
    );
    // Adding 0 turns -0 into 0, so that both are found.
    numbers.iter_mut().for_each(|number| *number += 0.0);
    numbers.retain(|number| !number.is_nan());
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.dedup();
    set.strings = match is_few {
        true => few(texts()),
        false => {
            let packed = Packed::new(count(|element| element.is_string()), texts());
            packed.map_or_else(|| few(texts()), Strings::Many)
        }
    };
    set.numbers = numbers.into();
    set.ranges = ranges.into();
    Arc::new(set)
}

/// Whether at most a few of the texts differ.
fn is_few<'t>(texts: impl Iterator<Item = Cow<'t, str>>) -> bool {
    let mut known: Vec<Cow<'_, str>> = Vec::with_capacity(FEW);
    for text in texts {
        if !known.contains(&text) {
            if known.len() == FEW {
                return false;
            }
            known.push(text);
        }
    }
    true
}

/// The texts, each once.
fn few<'t>(texts: impl Iterator<Item = Cow<'t, str>>) -> Strings {
    let texts: BTreeSet<Cow<'_, str>> = texts.collect();
    Strings::Few(texts.into_iter().map(Box::from).collect())
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
