//! Comparisons and memberships that are valid and give another result than they seem to.

#[cfg(test)]
mod tests;

use super::{
    findings::Findings,
    logic::{attribute, operation},
    table::{
        LIST_ENTRY, MISSING_MEETS, PADDED_VALUE, TEXT_MEMBERSHIP, UNANNOUNCED_TIME, VERSION_AS_TEXT,
    },
};
use crate::lint::context::LintContext;
use flagstaff_core::diagnostic::{Path, Step};
use serde_json::Value as Json;

pub(super) fn look(page: &LintContext, found: &mut Findings<'_>) {
    let evaluators = page.evaluators.iter();
    let evaluators = evaluators.map(|(name, rule)| (rule, Path::from("$evaluators").member(name)));
    let flags = page.flags.iter().map(|flag| (&flag.targeting, flag.targeting_path()));
    for (rule, mut path) in evaluators.chain(flags) {
        if found.is_full() {
            return;
        }
        OperandWalk { present: Vec::new(), asks_otherwise: false }.look(rule, &mut path, found);
    }
    for flag in &page.flags {
        let variants = flag.path().member("variants");
        for (name, value) in &flag.variants {
            let mut path = variants.member(name);
            if is_padded(name) {
                let message = format!("is called {}, blanks included", Json::from(name.as_str()));
                found.tell(&PADDED_VALUE, &path, message, format!("write {}", name.trim()));
            }
            padded_value(value, &mut path, found);
        }
    }
}

/// Whether a text has blanks around it. A text of several lines is laid out as it should be.
fn is_padded(text: &str) -> bool {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let own = line.trim();
    own != line && !own.is_empty() && !line.contains(['\n', '\r'])
}

/// Texts of a variant that begin or end with a blank.
fn padded_value(value: &Json, path: &mut Path, found: &mut Findings<'_>) {
    match value {
        Json::String(text) => {
            if is_padded(text) {
                let message = format!("is {}, blanks included", Json::from(text.as_str()));
                let help = format!("write {}", Json::from(text.trim()));
                found.tell(&PADDED_VALUE, &*path, message, help);
            }
        }
        Json::Array(elements) => {
            for (place, element) in elements.iter().enumerate() {
                path.enter(Step::Place(place));
                padded_value(element, path, found);
                path.leave();
            }
        }
        Json::Object(members) => {
            for (name, member) in members {
                path.enter(Step::Member(name.as_str().into()));
                padded_value(member, path, found);
                path.leave();
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

/// A way through a rule.
struct OperandWalk<'a> {
    /// Attributes that conditions around this one ask for in a way that a missing one fails.
    present: Vec<&'a str>,
    /// Inside a negation, or in a rule over the elements of a list. A missing attribute does not
    /// meet a comparison there.
    asks_otherwise: bool,
}

impl<'a> OperandWalk<'a> {
    fn look(&mut self, rule: &'a Json, path: &mut Path, found: &mut Findings<'_>) {
        let Some((operator, operands)) = operation(rule) else { return };
        let name = rule.as_object().and_then(|members| members.keys().next());
        path.enter(Step::Member(name.map_or("", String::as_str).into()));
        versions(operator, operands, path, found);
        texts(operator, operands, path, found);
        timestamp(operator, operands, path, found);
        if !self.asks_otherwise {
            self.missing(operator, operands, path, found);
        }
        let present = self.present.len();
        if matches!(operator, "and" | "if" | "?:") {
            operands.iter().for_each(|operand| asked_for(operand, &mut self.present));
        }
        let asks_otherwise = self.asks_otherwise;
        let asks_elements = ["map", "filter", "reduce", "all", "some", "none"].contains(&operator);
        self.asks_otherwise ^= operator == "!";
        self.asks_otherwise |= asks_elements;
        for (place, operand) in operands.iter().enumerate().filter(|(_, one)| one.is_object()) {
            path.enter(Step::Place(place));
            self.look(operand, path, found);
            path.leave();
        }
        self.asks_otherwise = asks_otherwise;
        self.present.truncate(present);
        path.leave();
    }

    /// A comparison that a missing attribute, which counts as 0, meets.
    fn missing(&self, operator: &str, operands: &[Json], path: &Path, found: &mut Findings<'_>) {
        let Some(name) = met_by_missing(operator, operands) else { return };
        if !self.present.contains(&name) {
            let message = format!("is met without \"{name}\" too: a missing number counts as 0");
            let help = format!("add {{\"!==\": [{{\"var\": \"{name}\"}}, null]}} with \"and\"");
            found.tell(&MISSING_MEETS, path, message, help);
        }
    }
}

/// The attribute of a comparison with a number that 0 meets.
fn met_by_missing<'a>(operator: &str, operands: &'a [Json]) -> Option<&'a str> {
    let [left, right] = operands else { return None };
    let (name, low, high) = match (plain(left), plain(right)) {
        (Some(name), None) => (name, 0.0, right.as_f64()?),
        (None, Some(name)) => (name, left.as_f64()?, 0.0),
        _ => return None,
    };
    let is_met = match operator {
        "<" => low < high,
        "<=" => low <= high,
        ">" => low > high,
        ">=" => low >= high,
        _ => false,
    };
    is_met.then_some(name)
}

/// An attribute that is looked up without a default of its own.
fn plain(json: &Json) -> Option<&str> {
    let (_, operands) = operation(json)?;
    attribute(json).filter(|name| operands.len() == 1 && !name.starts_with("$flagd"))
}

/// Adds the attributes that a condition asks for in a way that a missing one does not pass, or
/// that at least shows that its author thought of those without.
fn asked_for<'a>(condition: &'a Json, names: &mut Vec<&'a str>) {
    let Some((operator, operands)) = operation(condition) else { return };
    names.extend(attribute(condition));
    if met_by_missing(operator, operands).is_none() {
        operands.iter().for_each(|operand| asked_for(operand, names));
    }
}

/// Versions that are compared as texts or as numbers.
fn versions(operator: &str, operands: &[Json], path: &Path, found: &mut Findings<'_>) {
    let Some(name) = operands.iter().find_map(attribute) else { return };
    let is_version = name.to_lowercase().contains("version");
    let is_comparison = matches!(operator, "<" | "<=" | ">" | ">=");
    let message = operands.iter().find_map(|operand| match operand {
        Json::String(text) if is_comparison && looks_like_a_version(text) => {
            Some(format!("compares \"{name}\" with \"{text}\" as texts: 10.0.0 comes before 9.0.0"))
        }
        Json::Number(number) if is_comparison && is_version && !number.is_i64() => {
            Some(format!("compares \"{name}\" with {number} as numbers: 4.10 comes before 4.9"))
        }
        Json::String(text) if operator == "starts_with" && is_version && is_cut_off(text) => {
            Some(format!("matches any \"{name}\" that begins with {text}, such as {text}0"))
        }
        _ => None,
    });
    if let Some(message) = message {
        let help =
            "compare versions as such: {\"sem_ver\": […]}, or in the readable format \">= 4.2.0\"";
        found.tell(&VERSION_AS_TEXT, path, message, help);
    }
}

/// Three numbers, with or without a `v`.
fn looks_like_a_version(text: &str) -> bool {
    let core = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let core = core.split(['-', '+']).next().unwrap_or_default();
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    core.split('.').count() == 3 && core.split('.').all(is_number)
}

/// A version that stops within a number: `4.1` is the beginning of `4.10` too.
fn is_cut_off(text: &str) -> bool {
    text.ends_with(|char: char| char.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && text.split('.').count() < 3
}

/// Texts that an attribute never equals, and a text that stands where a list was meant.
fn texts(operator: &str, operands: &[Json], path: &Path, found: &mut Findings<'_>) {
    if let ("in", [asked, Json::String(text)]) = (operator, operands)
        && let Some(name) = attribute(asked)
    {
        let message =
            format!("looks for \"{name}\" within the text \"{text}\": any part of it is found");
        let values: Vec<_> =
            text.split([',', ' ', ';', '|']).filter(|part| !part.is_empty()).collect();
        let help = format!("write a list: {}", Json::from(values));
        found.tell(&TEXT_MEMBERSHIP, path.place(1), message, help);
        return;
    }
    let values: &[Json] = match (operator, operands) {
        ("in", [_, Json::Array(values)]) => values,
        ("==" | "===" | "!=" | "!==", values) => values,
        _ => return,
    };
    if !operands.iter().any(|operand| attribute(operand).is_some()) {
        return;
    }
    let texts = || values.iter().filter_map(Json::as_str);
    if let Some(text) = texts().find(|text| text.trim() != *text && !text.trim().is_empty()) {
        let message = format!("compares with \"{text}\", blanks included");
        let help = format!("write \"{}\"", text.trim());
        found.tell(&PADDED_VALUE, path, message, help);
    }
    if let Some(text) = texts().find(|text| is_several(text)) {
        let message = format!("compares with the one value \"{text}\"");
        found.tell(&LIST_ENTRY, path, message, "write each value as an entry of a list");
    }
}

/// Whether a text is most likely several values, or one with quotes that should be around it.
fn is_several(text: &str) -> bool {
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    // 1,5 and 1,000 are numbers.
    let is_number = text.split(',').count() == 2 && text.split(',').all(is_digits);
    // With a blank behind the comma it may be a text for people, unless its parts are codes.
    let is_code = |part: &str| part.len() <= 3 || part.contains(['@', '_', '-']);
    let is_value = |part: &str| {
        let (own, is_padded) = (part.trim(), part.trim() != part);
        !own.is_empty() && !own.contains(char::is_whitespace) && (!is_padded || is_code(own))
    };
    (text.contains(',') && text.split(',').all(is_value) && !is_number) || is_quoted(text)
}

/// Whether quotes are part of a text, and around it.
pub(super) fn is_quoted(text: &str) -> bool {
    let within = |quote| text.len() > 2 && text.starts_with(quote) && text.ends_with(quote);
    within('"') || within('\'')
}

/// A rule that computes with the time.
fn timestamp(operator: &str, operands: &[Json], path: &Path, found: &mut Findings<'_>) {
    let is_time = |json: &Json| attribute(json) == Some("$flagd.timestamp");
    if !operands.iter().any(is_time) {
        return;
    }
    let is_comparison = matches!(operator, "<" | "<=" | ">" | ">=" | "==" | "===" | "!=" | "!==");
    let others = || operands.iter().filter(|operand| !is_time(operand));
    if !(is_comparison && others().next().is_some() && others().all(Json::is_number)) {
        let message = "computes with the time: its changes are neither announced nor logged";
        let help = "compare {\"var\": \"$flagd.timestamp\"} itself with a number of seconds";
        found.tell(&UNANNOUNCED_TIME, path, message, help);
    }
}
