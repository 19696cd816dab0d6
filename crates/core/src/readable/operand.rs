//! What an attribute is compared with, as text: `">= 4.2.0"`, `"> 18 <= 65"`.
//!
//! A text that begins with a comparison is one; its operand is a version, a number or a moment by
//! how it looks. Where it may be two of them, `version:`, `number:` or `time:` has to say.

use super::{node::Node, rule_text::RuleText};
use crate::{
    diagnostic::{Diagnostic, problems::Problems},
    document::integers,
    readable::clock::Clock,
};
use serde_json::Number;

/// What the operand of a comparison is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OperandKind {
    Version,
    Number,
    Time,
}

/// Longer ones first: `>=` begins with `>`.
const COMPARISONS: [&str; 8] = [">=", "<=", "!=", ">", "<", "=", "~", "^"];

/// Comparisons that begin like one of these and are none, with what is meant.
const OF_OTHERS: [(&str, &str); 5] =
    [("=>", ">="), ("=<", "<="), ("<>", "!="), ("===", "="), ("==", "=")];

/// Whether a text is a comparison.
pub(super) fn is_comparison(text: &str) -> bool {
    comparison(text).is_some()
}

fn comparison(text: &str) -> Option<(&'static str, &str)> {
    let text = text.trim_start();
    COMPARISONS.iter().find_map(|sign| Some((*sign, text.strip_prefix(sign)?.trim_start())))
}

/// An attribute, and the text at `node` it is compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compared<'a> {
    pub(super) attribute: &'a RuleText,
    pub(super) node: &'a Node<'a>,
    /// What the operands are, if it was said.
    pub(super) kind: Option<OperandKind>,
    pub(super) clock: &'a Clock,
}

impl Compared<'_> {
    /// The rule of all comparisons in the text, each of which has to hold.
    pub(super) fn rule(&self, found: &mut Problems) -> Option<RuleText> {
        let text = self.node.text("a comparison", found)?;
        let mut rest = text.trim();
        let mut rules = Vec::new();
        while !rest.is_empty() {
            if let Some((other, sign)) = OF_OTHERS.iter().find(|(other, _)| rest.starts_with(other))
            {
                let operand = rest.trim_start_matches(other).trim();
                let help = format!("write \"{sign} {operand}\"");
                found.push(self.node.error(format!("\"{other}\" is not a comparison"), help));
                return None;
            }
            let Some((sign, after)) = comparison(rest) else {
                let help = "a comparison begins with one of >= <= > < != = (versions: ~ ^ too)";
                found.push(self.node.error(format!("\"{rest}\" is no comparison"), help));
                return None;
            };
            // A moment can have a blank in it, so an operand goes on to the next sign.
            let end = end_of_operand(after);
            let (operand, next) = after.split_at_checked(end)?;
            rules.push(self.one(sign, operand.trim(), found)?);
            rest = next;
        }
        match rules.len() {
            0 => {
                found.push(self.node.error("compares with nothing", "write such as \">= 18\""));
                None
            }
            1 => rules.pop(),
            _ => Some(RuleText::apply("and", &rules)),
        }
    }

    fn one(&self, sign: &str, operand: &str, found: &mut Problems) -> Option<RuleText> {
        let Self { attribute, node, clock, .. } = self;
        let Some(kind) = self.kind.or_else(|| looks_like(operand)) else {
            found.push(self.unclear(sign, operand));
            return None;
        };
        match kind {
            OperandKind::Version => {
                let Some(version) = version(operand) else {
                    let help = "write major.minor.patch, such as 4.2.0";
                    found.push(node.error(format!("\"{operand}\" is no version"), help));
                    return None;
                };
                let version = RuleText::text(&version);
                let compared = |sign| {
                    RuleText::apply("sem_ver", [*attribute, &RuleText::text(sign), &version])
                };
                Some(match sign {
                    // Not equal is what a missing one is, as it is with numbers.
                    "!=" => compared("=").not(),
                    _ => compared(sign),
                })
            }
            OperandKind::Number => {
                let Some(number) = number(operand) else {
                    let help = "write such as 18 or 4.2";
                    found.push(node.error(format!("\"{operand}\" is no number"), help));
                    return None;
                };
                let inexact = integers::inexact_text(operand);
                found.extend(inexact.map(|message| node.warning(message, integers::HELP)));
                self.numeric(sign, &number, found)
            }
            OperandKind::Time => {
                let moment = clock.parse(operand, node, found)?;
                self.numeric(sign, &moment.into(), found)
            }
        }
    }

    /// The error of an operand that is nothing, or may be two things.
    fn unclear(&self, sign: &str, operand: &str) -> Diagnostic {
        if operand.is_empty() {
            let message = format!("\"{sign}\" is compared with nothing");
            let help = "write such as \">= 18\"; a text stands alone: plan: enterprise";
            return self.node.error(message, help);
        }
        if version(operand).is_some() {
            let help =
                format!("write version: \"{sign} {operand}\", or number: \"{sign} {operand}\"");
            return self.node.error(format!("\"{operand}\" may be a version or a number"), help);
        }
        let message = format!("\"{operand}\" is no version, number or moment to compare with");
        let help = match sign {
            "!=" => format!("write not: \"{operand}\""),
            "=" => format!("to be equal to a text, write it alone: \"{operand}\""),
            _ => "for a text that begins with a sign, write is: \"…\"".to_owned(),
        };
        self.node.error(message, help)
    }

    /// A comparison of numbers. A missing attribute counts as 0 in a rule, and is to match nothing.
    fn numeric(&self, sign: &str, number: &Number, found: &mut Problems) -> Option<RuleText> {
        let attribute = self.attribute;
        let zero_matches = match (sign, number.as_f64()?) {
            (">", number) => 0.0 > number,
            (">=", number) => 0.0 >= number,
            ("<", number) => 0.0 < number,
            ("<=", number) => 0.0 <= number,
            // Not equal is what a missing one is.
            ("=", _) => return Some(self.is_number(number)),
            ("!=", _) => return Some(self.is_number(number).not()),
            _ => {
                let help = "~ and ^ compare versions; write version: before it";
                found.push(self.node.error(format!("\"{sign}\" compares no numbers"), help));
                return None;
            }
        };
        let rule = RuleText::compare(sign, attribute, &RuleText::number(number));
        Some(match zero_matches {
            true => {
                let is_there = RuleText::compare("!==", attribute, &RuleText::null());
                RuleText::apply("and", [&is_there, &rule])
            }
            false => rule,
        })
    }

    /// That the attribute is a number.
    fn is_number(&self, number: &Number) -> RuleText {
        let list = RuleText::list([&RuleText::number(number)]);
        RuleText::compare("in", self.attribute, &list)
    }
}

/// Where the next comparison begins. A moment's zone in brackets may have a sign in it.
fn end_of_operand(text: &str) -> usize {
    let mut is_bracketed = false;
    let sign = text.find(|c: char| {
        is_bracketed = c == '[' || (is_bracketed && c != ']');
        !is_bracketed && matches!(c, '<' | '>' | '!' | '=' | '~' | '^')
    });
    sign.unwrap_or(text.len())
}

/// What an operand is by its looks, if that is only one thing.
fn looks_like(operand: &str) -> Option<OperandKind> {
    // Slashes make a moment that is written wrongly, and its author hears how to write it.
    let is_day = |separator: char| {
        let day = operand.split([' ', 'T', '[']).next().unwrap_or_default();
        let parts: Vec<&str> = day.split(separator).collect();
        let is_year = |part: &&&str| part.len() == 4 && part.parse::<u16>().is_ok();
        let [first, _, last] = parts.as_slice() else { return false };
        is_year(&first) || (separator == '/' && is_year(&last))
    };
    let starts_with_day = operand.get(..10).is_some_and(|day| day.split('-').count() == 3);
    if is_day('-') || is_day('/') || (starts_with_day && operand.as_bytes().get(4) == Some(&b'-')) {
        return Some(OperandKind::Time);
    }
    let dots = operand.split(['-', '+']).next().unwrap_or_default().matches('.').count();
    match (number(operand).is_some(), version(operand).is_some()) {
        (_, true) if dots == 2 => Some(OperandKind::Version),
        // 4.2 may be a version as well.
        (true, true) if dots == 1 => None,
        (true, _) => Some(OperandKind::Number),
        (false, true) => Some(OperandKind::Version),
        (false, false) => None,
    }
}

/// A number as JSON has it.
fn number(text: &str) -> Option<Number> {
    serde_json::from_str(text).ok()
}

/// A version with all of its three numbers, as the rule wants it.
fn version(text: &str) -> Option<String> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let core_ends = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at_checked(core_ends)?;
    let parts: Vec<&str> = core.split('.').collect();
    let is_number = |part: &&str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part.len() == 1 || !part.starts_with('0'))
    };
    if parts.len() > 3 || !parts.iter().all(is_number) || (parts.len() < 3 && !rest.is_empty()) {
        return None;
    }
    let missing = ".0".repeat(3 - parts.len());
    Some(format!("{core}{missing}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diagnostic::Path, document::json::Indexed};

    fn compared(text: &str, kind: Option<OperandKind>) -> Result<String, String> {
        let mut found = Problems::with_room(9);
        let value = serde_json::to_string(text).unwrap();
        let value = Indexed::new(&value).unwrap();
        let node = Node::new(value.value(), Path::from("a"));
        let clock = Clock::read(None, &mut found).unwrap();
        let attribute = RuleText::text("A");
        let compared = Compared { attribute: &attribute, node: &node, kind, clock: &clock };
        let rule = compared.rule(&mut found);
        rule.map(|rule| rule.to_string()).ok_or_else(|| {
            found.finish().0.pop().map_or(String::new(), |first| first.message.into())
        })
    }

    #[test]
    fn an_operand_is_what_it_looks_like() {
        for (text, rule) in [
            (">= 4.2.0", r#"{"sem_ver":["A",">=","4.2.0"]}"#),
            ("^1.2.3-rc.1", r#"{"sem_ver":["A","^","1.2.3-rc.1"]}"#),
            (">= v4.2.0", r#"{"sem_ver":["A",">=","4.2.0"]}"#),
            ("!= 4.2.0", r#"{"!":[{"sem_ver":["A","=","4.2.0"]}]}"#),
            ("> 18", r#"{">":["A",18]}"#),
            (">18<=65", r#"{"and":[{">":["A",18]},{"and":[{"!==":["A",null]},{"<=":["A",65]}]}]}"#),
            ("< 65", r#"{"and":[{"!==":["A",null]},{"<":["A",65]}]}"#),
            (">= -1.5e3", r#"{"and":[{"!==":["A",null]},{">=":["A",-1500.0]}]}"#),
            ("!= 5", r#"{"!":[{"in":["A",[5]]}]}"#),
            (">= 2026-12-01T00:00:00Z", r#"{">=":["A",1796083200]}"#),
            (
                ">= 4.2.0 < 5.0.0",
                r#"{"and":[{"sem_ver":["A",">=","4.2.0"]},{"sem_ver":["A","<","5.0.0"]}]}"#,
            ),
        ] {
            assert_eq!(compared(text, None).as_deref(), Ok(rule), "{text}");
        }
        let said = compared(">= 4.2", Some(OperandKind::Version));
        assert_eq!(said.as_deref(), Ok(r#"{"sem_ver":["A",">=","4.2.0"]}"#));
        let said = compared("> 4.2", Some(OperandKind::Number));
        assert_eq!(said.as_deref(), Ok(r#"{">":["A",4.2]}"#));
    }

    #[test]
    fn what_may_be_two_things_has_to_be_said() {
        for (text, message) in [
            (">= 4.2", "\"4.2\" may be a version or a number"),
            ("> old", "\"old\" is no version, number or moment to compare with"),
            (">=", "\">=\" is compared with nothing"),
            ("~ 5", "\"~\" compares no numbers"),
        ] {
            assert_eq!(compared(text, None), Err(message.to_owned()), "{text}");
        }
    }
}
