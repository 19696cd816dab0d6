//! A file's definitions as flagd reads them, laid out for people: what fits on a line is one.

use flagstaff_core::{
    diagnostic::{Diagnostic, problems::Problems},
    document::{
        number,
        text::{DocumentText, Format},
    },
    flag::rule::Generation,
    flag_file::{compile_with, definitions_of, layer::Layer, place_problems},
    readable::Lists,
};
use serde_json::{Number, Value as Json};

/// Writes a file's definitions as one JSON document, exactly those that are served, and says what
/// is wrong with the file. Flags that cannot be read are left out.
pub fn export(
    lists: &Lists,
    content: &[u8],
    format: Format,
    fallback: Generation,
) -> Result<(String, Vec<Diagnostic>), Vec<Diagnostic>> {
    let compiled = compile_with(lists, content, format, fallback, &Layer::default())?;
    let file = match definitions_of(lists, content, format, fallback, &compiled.layer) {
        Some(Ok(file)) => file,
        Some(Err(error)) => return Err(placed(error, content, format)),
        None => return Err(compiled.diagnostics),
    };
    let mut text = String::new();
    write(&file.into(), 0, &mut text);
    Ok((text, compiled.diagnostics))
}

/// An error at its place in the file.
fn placed(error: Diagnostic, content: &[u8], format: Format) -> Vec<Diagnostic> {
    let Ok(text) = DocumentText::read(content, format) else { return vec![error] };
    let mut found = Problems::with_room(1);
    found.push(error);
    place_problems(&text, found)
}

/// What comes first where several members stand; the others follow by name.
const FIRST: [&str; 7] =
    ["metadata", "$evaluators", "flags", "state", "variants", "defaultVariant", "targeting"];

/// Lines go on up to here.
const WIDTH: usize = 100;

fn write(value: &Json, indent: usize, text: &mut String) {
    let line = value.to_string();
    let is_scalar = !value.is_array() && !value.is_object();
    if is_scalar || (indent > 0 && indent + line.len() <= WIDTH) {
        text.push_str(&spaced(value));
        return;
    }
    let inner = indent + 2;
    let end = format!("\n{:indent$}", "");
    match value {
        Json::Array(elements) => {
            let write_one = |element: &Json, text: &mut String| write(element, inner, text);
            block(('[', ']'), elements.iter(), inner, text, write_one);
        }
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            let rank = |name: &str| FIRST.iter().position(|first| *first == name);
            members.sort_by_key(|(name, _)| (rank(name).unwrap_or(FIRST.len()), *name));
            block(('{', '}'), members.into_iter(), inner, text, |(name, member), text| {
                text.push_str(&Json::from(name.as_str()).to_string());
                text.push_str(": ");
                write(member, inner, text);
            });
        }
        _ => return,
    }
    // The bracket that closes stands under what opened.
    if let Some(bracket) = text.pop() {
        text.push_str(&end);
        text.push(bracket);
    }
}

/// One part on a line.
fn block<T>(
    (open, close): (char, char),
    parts: impl Iterator<Item = T>,
    indent: usize,
    text: &mut String,
    write_one: impl Fn(T, &mut String),
) {
    text.push(open);
    for (place, part) in parts.enumerate() {
        text.push_str(if place > 0 { ",\n" } else { "\n" });
        text.push_str(&" ".repeat(indent));
        write_one(part, text);
    }
    text.push(close);
}

/// A value on one line, with blanks after colons and commas.
fn spaced(value: &Json) -> String {
    match value {
        Json::Array(elements) => {
            format!("[{}]", elements.iter().map(spaced).collect::<Vec<_>>().join(", "))
        }
        Json::Object(members) if members.is_empty() => "{}".to_owned(),
        Json::Object(members) => {
            let member = |(name, member): (&String, &Json)| {
                format!("{}: {}", Json::from(name.as_str()), spaced(member))
            };
            format!("{{ {} }}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        Json::Number(number) => served(number),
        Json::Null | Json::Bool(_) | Json::String(_) => value.to_string(),
    }
}

/// A number as clients get it: a double.
fn served(number: &Number) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    number::write_json(&mut text, number.as_f64().unwrap_or_default()).unwrap_or_default();
    text
}
