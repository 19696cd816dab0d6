//! A YAML scalar as JSON, by the core schema of YAML 1.2.

use super::tag;
use granit_parser::{ScalarStyle, Tag};
use std::fmt::Write;

/// What a scalar means.
#[derive(Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    /// Already as JSON writes it.
    Number(String),
    /// An infinity, or no number at all.
    NotFinite,
    Text(&'a str),
}

impl<'a> Scalar<'a> {
    /// A quoted scalar is a text; a plain one is what it looks like. A core tag decides, if the
    /// text fits it. Any other tag makes a text.
    pub(super) fn of(text: &'a str, style: ScalarStyle, tag: Option<&Tag>) -> Self {
        let looks =
            || if style == ScalarStyle::Plain { Self::plain(text) } else { Self::Text(text) };
        match tag {
            None => looks(),
            Some(tag) => match tag.core_suffix() {
                Some("str") | None => Self::Text(text),
                Some(_) if fits(text, tag) => Self::plain(text),
                Some(_) => looks(),
            },
        }
    }

    fn plain(text: &'a str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" => Self::Bool(true),
            "false" | "False" | "FALSE" => Self::Bool(false),
            ".nan" | ".NaN" | ".NAN" => Self::NotFinite,
            _ => match text.strip_prefix(['-', '+']).unwrap_or(text) {
                ".inf" | ".Inf" | ".INF" => Self::NotFinite,
                _ => number(text).map_or(Self::Text(text), Self::Number),
            },
        }
    }

    pub(super) fn write(&self, json: &mut String) {
        match self {
            Self::Null => json.push_str("null"),
            // Of the type that was meant, so that nothing else seems to be wrong.
            Self::NotFinite => json.push('0'),
            Self::Bool(bit) => json.push_str(if *bit { "true" } else { "false" }),
            Self::Number(number) => json.push_str(number),
            Self::Text(text) => write_text(json, text),
        }
    }
}

/// Whether a tag means something for a scalar: it is a core tag that the text is of, or says that
/// the scalar is a text.
pub(super) fn fits(text: &str, tag: &Tag) -> bool {
    let scalar = || Scalar::plain(text);
    match tag.core_suffix() {
        Some("str") => true,
        Some("null") => scalar() == Scalar::Null,
        Some("bool") => matches!(scalar(), Scalar::Bool(_)),
        Some("int") => {
            let is_hexadecimal = text.starts_with("0x");
            let is_whole = is_hexadecimal || !text.contains(['.', 'e', 'E']);
            is_whole && matches!(scalar(), Scalar::Number(_))
        }
        Some("float") => matches!(scalar(), Scalar::Number(_) | Scalar::NotFinite),
        _ => tag::is_non_specific(tag),
    }
}

/// Writes a text with its quotes.
pub(super) fn write_text(json: &mut String, text: &str) {
    json.push('"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < b' ' || byte == b'"' || byte == b'\\')
    {
        let (plain, special) = rest.split_at(at);
        json.push_str(plain);
        let mut chars = special.chars();
        match chars.next() {
            Some('\n') => json.push_str("\\n"),
            Some(quoted @ ('"' | '\\')) => json.extend(['\\', quoted]),
            // Writing to a string cannot fail.
            Some(control) => write!(json, "\\u{:04x}", u32::from(control)).unwrap_or_default(),
            None => {}
        }
        rest = chars.as_str();
    }
    json.push_str(rest);
    json.push('"');
}

/// A number as JSON writes it, if it is one.
fn number(text: &str) -> Option<String> {
    // Most texts are told by their first character.
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return whole(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return whole(digits, 8);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => {
            let (mantissa, exponent) = unsigned.split_at(at);
            (mantissa, Some(exponent.get(1..)?))
        }
        None => (unsigned, None),
    };
    let (int, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let power = exponent.map(|power| power.strip_prefix(['-', '+']).unwrap_or(power));
    let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = digits_only(int)
        && digits_only(fraction)
        && !(int.is_empty() && fraction.is_empty())
        && power.is_none_or(|power| !power.is_empty() && digits_only(power));
    if !is_number {
        return None;
    }
    let mut json = String::with_capacity(text.len() + 1);
    if text.starts_with('-') {
        json.push('-');
    }
    let int = int.trim_start_matches('0');
    json.push_str(if int.is_empty() { "0" } else { int });
    if !fraction.is_empty() {
        json.extend([".", fraction]);
    }
    if let Some(exponent) = exponent {
        json.extend(["e", exponent]);
    }
    Some(json)
}

fn whole(digits: &str, radix: u32) -> Option<String> {
    // A sign after the prefix is no number in YAML, but would be one to the parser.
    let unsigned = digits.starts_with(|c: char| c.is_ascii_alphanumeric());
    let number = u128::from_str_radix(digits, radix).ok().filter(|_| unsigned)?;
    Some(number.to_string())
}
