//! Values that one reader of YAML takes for a text and another for something else.

mod old;

use super::{findings::Findings, table::UNQUOTED};
use crate::lint::context::LintContext;
use flagstaff_core::{
    diagnostic::{Path, Step},
    document::{
        members::{Members, RawElements},
        text::{DocumentText, Places},
    },
};
use serde_json::value::RawValue;

/// Texts that YAML 1.1 reads as truths.
const TRUTHS: [&str; 8] = ["y", "yes", "on", "n", "no", "off", "true", "false"];

pub(super) fn look(page: &LintContext, text: &DocumentText<'_>, found: &mut Findings<'_>) {
    if !text.is_yaml() {
        return;
    }
    let Ok(file) = serde_json::from_str::<Members<'_>>(text.json()) else { return };
    let places = text.places();
    let lines = text.authored_lines();
    let mut look = UnquotedSearch { text, places: &places, lines: &lines, found };
    let flags = file.get("flags").and_then(Members::parse).unwrap_or_default();
    for (key, flag) in &flags.0 {
        let Some(members) = Members::parse(flag) else { continue };
        let path = Path::from("flags").member(key);
        if let Some(variants) = members.get("variants") {
            look.below(variants, &mut path.member("variants"));
        }
        // In flagd's form the names of variants stand among the conditions.
        let rules = members.get("rules").filter(|_| page.is_readable);
        let rules = rules.and_then(|rules| serde_json::from_str(rules.get()).ok());
        let rules = rules.map_or_else(Vec::new, |RawElements(all)| all);
        for (place, rule) in rules.into_iter().enumerate() {
            if let Some(condition) = Members::parse(rule).and_then(|rule| rule.get("if")) {
                look.below(condition, &mut path.member("rules").place(place).member("if"));
            }
        }
    }
    if let Some(segments) = file.get("segments").filter(|_| page.is_readable) {
        look.below(segments, &mut Path::from("segments"));
    }
}

struct UnquotedSearch<'l, 'f> {
    text: &'l DocumentText<'l>,
    places: &'l Places<'l>,
    lines: &'l [&'l str],
    found: &'l mut Findings<'f>,
}

impl UnquotedSearch<'_, '_> {
    /// Looks at every value of a part of the file.
    fn below(&mut self, raw: &RawValue, path: &mut Path) {
        let json = raw.get();
        match json.chars().next() {
            Some('{') => {
                for (name, value) in Members::parse(raw).unwrap_or_default().0 {
                    // What is said by yes or no is no value.
                    if name != "exists" {
                        path.enter(Step::Member((*name).into()));
                        self.below(value, path);
                        path.leave();
                    }
                }
            }
            Some('[') => {
                let all =
                    serde_json::from_str(json).map_or_else(|_| Vec::new(), |RawElements(all)| all);
                for (place, value) in all.into_iter().enumerate() {
                    path.enter(Step::Place(place));
                    self.below(value, path);
                    path.leave();
                }
            }
            Some('"') => {
                let text = json.trim_matches('"');
                if let Some(other) = old::number(text).filter(|_| self.is_plain(raw, text)) {
                    let message = format!(
                        "is a text here, and the number {other} to other readers of YAML: {text}"
                    );
                    let help = format!("for a text write \"{text}\" in quotes, else {other}");
                    self.found.tell(&UNQUOTED, &*path, message, help);
                }
                if let Some(kind) = old::moment(text)
                    && is_in_variants(path)
                    && self.is_plain(raw, text)
                {
                    let message =
                        format!("is a text here, and {kind} to other readers of YAML: {text}");
                    let help = format!("write \"{text}\" in quotes");
                    self.found.tell(&UNQUOTED, &*path, message, help);
                }
                let is_truth = TRUTHS.iter().any(|truth| text.eq_ignore_ascii_case(truth));
                if is_truth && self.written(raw).starts_with(char::is_alphabetic) {
                    let message =
                        format!("is a text here, and a truth to readers of YAML 1.1: {text}");
                    let help = format!("write \"{text}\" in quotes, or true or false");
                    self.found.tell(&UNQUOTED, &*path, message, help);
                }
            }
            Some(_) if loses_a_zero(json) => {
                let short = json.trim_end_matches('0').trim_end_matches('.');
                let message = format!("is the number {short}: {json} loses its zero");
                let help = format!("for a text write \"{json}\" in quotes, for a number {short}");
                self.found.tell(&UNQUOTED, &*path, message, help);
            }
            Some(_) if has_leading_zero(self.written(raw)) => {
                let message = match old::octal(self.written(raw)) {
                    Some(other) => format!(
                        "is the number {json} here, and {other} to other readers of YAML: its \
                         leading zero means octal to them"
                    ),
                    None => format!("is the number {json}: its leading zero is lost"),
                };
                let help = format!("for a text write it in quotes, for a number {json}");
                self.found.tell(&UNQUOTED, &*path, message, help);
            }
            _ => {}
        }
    }

    /// Whether a text is written without quotes.
    fn is_plain(&self, raw: &RawValue, text: &str) -> bool {
        self.written(raw).starts_with(text)
    }

    /// What its author wrote, up to the end of the line.
    fn written(&self, raw: &RawValue) -> &str {
        let position = self.places.position(self.text.offset_of(raw.get()));
        let line = position.line.checked_sub(1).and_then(|line| self.lines.get(line));
        let line = line.copied().unwrap_or_default();
        let begins = line.char_indices().nth(position.column.saturating_sub(1));
        begins.and_then(|(at, _)| line.get(at..)).unwrap_or_default()
    }
}

/// Whether a path leads to a variant's value, or into it. In conditions moments are no texts.
fn is_in_variants(path: &Path) -> bool {
    matches!(path.parts().0.get(2), Some(Step::Member(name)) if **name == *"variants")
}

/// `01069`, which is perhaps a code: YAML 1.1 even reads some of them as octal numbers.
fn has_leading_zero(written: &str) -> bool {
    let written = written.strip_prefix(['-', '+']).unwrap_or(written);
    written.starts_with('0') && written.chars().nth(1).is_some_and(|next| next.is_ascii_digit())
}

/// `1.10`, which was perhaps meant as a version. `0.50` is a share.
fn loses_a_zero(number: &str) -> bool {
    let Some((whole, fraction)) = number.split_once('.') else { return false };
    !matches!(whole, "0" | "-0")
        && fraction.len() > 1
        && fraction.ends_with('0')
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
}
