//! A YAML scalar as JSON, by the core schema of YAML 1.2.

use saphyr_parser::{ScalarStyle, Tag};
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
    /// A quoted or tagged scalar is what quotes and tag say; a plain one is what it looks like.
    pub(super) fn of(text: &'a str, style: ScalarStyle, tag: Option<&Tag>) -> Self {
        let core = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str());
        match (core, tag) {
            (Some("null" | "bool" | "int"), _) => Self::plain(text),
            (Some("float"), _) => match Self::plain(text) {
                Self::Number(number) => Self::Number(number),
                other => other,
            },
            (Some(_), _) | (None, Some(_)) => Self::Text(text),
            (None, None) if style == ScalarStyle::Plain => Self::plain(text),
            (None, None) => Self::Text(text),
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

/// Writes a text with its quotes.
pub(super) fn write_text(json: &mut String, text: &str) {
    json.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
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
