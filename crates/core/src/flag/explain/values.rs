//! A value as a person reads it: JSON. Only values that no author writes into a condition are
//! shortened: long texts, and lists of hundreds of elements.

use crate::{
    document::number,
    flag::{
        arena::Arena,
        encoded,
        model::Flag,
        rule::{LiteralSet, Strings},
        value::{List, Object, Value},
    },
};

/// A list or an object with more elements is shown as their count.
const MOST_ELEMENTS: usize = 200;

/// A longer text is shortened, in letters.
const MOST_LETTERS: usize = 1000;

/// Nested values end after this many bytes.
const LONGEST: usize = 16_384;

/// A value as JSON, shortened.
pub(super) fn json<'a>(arena: &Arena<'a>, value: Value<'a>) -> String {
    let mut out = String::new();
    write(&mut out, arena, value);
    out
}

/// A text in double quotes, shortened.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(MOST_LETTERS).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    serde_json::Value::from(shown).to_string()
}

/// A number of seconds since 1970 as a moment in the time zone of the flag's file.
pub(super) fn moment(flag: &Flag, value: Value<'_>) -> Option<String> {
    let Value::Number(number) = value else { return None };
    flag.moment(number::truncate(number)).filter(|_| number.trunc() == number)
}

/// A number as JSON.
pub(super) fn plain(number: f64) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    number::write_json(&mut out, number).unwrap_or_default();
    out
}

/// The elements of a set. The order they were written in is not known any more.
pub(super) fn set(set: &LiteralSet) -> String {
    let strings: Vec<&str> = match &set.strings {
        Strings::Few(strings) => strings.iter().map(|text| &**text).collect(),
        Strings::Many(strings) => strings.iter().collect(),
    };
    // A set also knows its strings as numbers; those were not written as numbers.
    let mut spelled: Vec<_> =
        strings.iter().map(|text| number::parse_or_zero(text) + 0.0).collect();
    spelled.sort_unstable_by(f64::total_cmp);
    let is_spelled = |number: &f64| spelled.binary_search_by(|n| n.total_cmp(number)).is_ok();

    let mut elements: Vec<_> = strings.iter().map(|text| quoted(text)).collect();
    elements.sort_unstable();
    let numbers = set.numbers.iter().filter(|number| !is_spelled(number));
    elements.extend(numbers.map(|number| plain(*number)));
    let ranges = set.ranges.iter();
    elements.extend(ranges.map(|(low, high)| format!("[{}, {}]", plain(*low), plain(*high))));
    let bools = ["false", "true"].into_iter().zip(set.bools);
    elements.extend(bools.filter(|(_, known)| *known).map(|(name, _)| name.to_owned()));
    elements.extend(set.null.then(|| "null".to_owned()));
    match elements.len() {
        0..=MOST_ELEMENTS => format!("[{}]", elements.join(", ")),
        count => many(count),
    }
}

/// A list of which only the length is told.
fn many(count: usize) -> String {
    format!("[… {} values]", grouped(count))
}

/// A count with its thousands apart.
fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

fn write<'a>(out: &mut String, arena: &Arena<'a>, value: Value<'a>) {
    if out.len() > LONGEST {
        out.push('…');
        return;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(bit) => out.push_str(if bit { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&plain(number)),
        Value::String(text) => out.push_str(&quoted(arena.str(text))),
        Value::List(list) => {
            let elements: Vec<_> = match list {
                List::Given(bytes) => encoded::elements(bytes).flatten().collect(),
                List::Made(span) => arena.items.get(span.range()).unwrap_or_default().to_vec(),
            };
            let count = elements.len();
            if count > MOST_ELEMENTS {
                out.push_str(&many(count));
                return;
            }
            out.push('[');
            for (place, element) in elements.into_iter().enumerate() {
                out.push_str(if place > 0 { ", " } else { "" });
                write(out, arena, element);
            }
            out.push(']');
        }
        Value::Object(Object::Context) => out.push_str("the whole context"),
        Value::Object(Object::Flagd) => out.push_str("$flagd"),
        Value::Object(Object::Given(bytes)) => {
            let members =
                encoded::members(bytes).flatten().map(|(name, value)| (quoted(name), value));
            write_members(out, arena, &members.collect::<Vec<_>>());
        }
        Value::Object(Object::Made(span)) => {
            let members = arena.members.get(span.range()).unwrap_or_default().iter();
            let members = members.map(|(name, value)| (quoted(arena.str(*name)), *value));
            write_members(out, arena, &members.collect::<Vec<_>>());
        }
    }
}

fn write_members<'a>(out: &mut String, arena: &Arena<'a>, members: &[(String, Value<'a>)]) {
    out.push('{');
    for (place, (name, value)) in members.iter().take(MOST_ELEMENTS).enumerate() {
        out.push_str(if place > 0 { ", " } else { "" });
        out.push_str(name);
        out.push_str(": ");
        write(out, arena, *value);
    }
    out.push_str(if members.len() > MOST_ELEMENTS { ", …}" } else { "}" });
}
