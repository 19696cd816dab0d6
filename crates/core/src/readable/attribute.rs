//! What a condition says of one attribute: that it has a value, or one of several, or what else can
//! be said of it by name.

use super::{
    condition::{ConditionContext, joined},
    node::Node,
    operand::{self, Compared, OperandKind},
    rule_text::RuleText,
};
use crate::{
    diagnostic::{Diagnostic, Target, problems::Problems, suggest::suggest},
    document::{
        json::{Json, JsonList},
        synonyms,
    },
};

/// An attribute, and its look-up.
struct Attribute<'a> {
    name: &'a str,
    rule: RuleText,
}

/// What an attribute has to be.
pub(super) fn rule(
    name: &str,
    node: &Node<'_>,
    terms: ConditionContext<'_>,
    found: &mut Problems,
) -> Option<RuleText> {
    if name.is_empty() {
        found.push(node.error("has no name", "write the name of an attribute"));
        return None;
    }
    let attribute = Attribute { name, rule: RuleText::attribute(name) };
    match node.value {
        Json::Array(_) => any_of(&attribute, node, terms, found),
        Json::Object(_) => {
            let rules: Vec<_> = node
                .members()
                .map(|(operator, operand)| apply(&attribute, &operator, &operand, terms, found))
                .collect();
            if rules.is_empty() {
                found.push(node.error("says nothing of the attribute", OPERATORS_HELP));
            }
            joined("and", rules.into_iter().collect::<Option<Vec<_>>>()?)
        }
        _ => is_value(&attribute, node, terms, found),
    }
}

impl Attribute<'_> {
    /// An operation over its value and another operand.
    fn compare(&self, operator: &str, operand: &RuleText) -> RuleText {
        RuleText::compare(operator, &self.rule, operand)
    }
}

/// A value that it equals, or a comparison.
fn is_value(
    attribute: &Attribute<'_>,
    node: &Node<'_>,
    terms: ConditionContext<'_>,
    found: &mut Problems,
) -> Option<RuleText> {
    match node.value {
        Json::String(text) if operand::is_comparison(&text.get()) => {
            Compared { attribute: &attribute.rule, node, kind: None, clock: terms.clock }
                .rule(found)
        }
        Json::String(text) => {
            warn_of_looks(&text.get(), node, found);
            equals(attribute, node, found)
        }
        _ => equals(attribute, node, found),
    }
}

/// Warns of a text that looks like a pattern, a negation or a range of another language.
fn warn_of_looks(text: &str, node: &Node<'_>, found: &mut Problems) {
    let is_range = text.split_once("..").is_some_and(|(low, high)| {
        low.parse::<f64>().is_ok() && high.trim_start_matches('=').parse::<f64>().is_ok()
    });
    let rest = || text.trim_start_matches(['≥', '≤', '≠']).trim();
    let instead = match text {
        _ if text.starts_with('≥') => format!("\">= {}\"", rest()),
        _ if text.starts_with('≤') => format!("\"<= {}\"", rest()),
        _ if text.starts_with('≠') => format!("not: {}", rest()),
        _ if text.contains(".*") || text.contains("\\d") => {
            "starts_with, ends_with, contains or matches_any: no regular expressions".to_owned()
        }
        _ if is_domain(text) => format!("ends_with: \"{text}\""),
        _ if text.starts_with('*') || text.ends_with('*') => format!("matches_any: \"{text}\""),
        _ if text.starts_with('!') => format!("not: \"{}\"", text.trim_start_matches('!')),
        _ if is_range => "such as \">= 18 <= 65\"".to_owned(),
        _ => return,
    };
    let help = format!("write {instead}; if the text itself is meant, is: \"{text}\"");
    found.push(node.warning(format!("only the text \"{text}\" itself equals this"), help));
}

/// The end of an address: `@example.com`.
fn is_domain(text: &str) -> bool {
    text.strip_prefix('@').is_some_and(|domain| domain.contains('.') && !domain.contains(' '))
}

/// Equality that no implementation stretches: a missing attribute equals nothing, 0 included.
fn equals(attribute: &Attribute<'_>, node: &Node<'_>, found: &mut Problems) -> Option<RuleText> {
    match node.value {
        Json::String(_) => Some(attribute.compare("==", &RuleText::of(node.value))),
        Json::Bool(_) => Some(attribute.compare("===", &RuleText::of(node.value))),
        Json::Number(_) => {
            Some(attribute.compare("in", &RuleText::list([&RuleText::of(node.value)])))
        }
        _ => {
            let help = "write a value, a list of values, or { exists: no } for those without it";
            found.push(node.error("is nothing that an attribute can equal", help));
            None
        }
    }
}

/// A list: any of its values, or any of its comparisons.
fn any_of(
    attribute: &Attribute<'_>,
    node: &Node<'_>,
    terms: ConditionContext<'_>,
    found: &mut Problems,
) -> Option<RuleText> {
    let mut rules = Vec::new();
    let mut is_good = true;
    for element in node.elements() {
        match element.value {
            Json::String(text) if operand::is_comparison(&text.get()) => {
                let compared = Compared {
                    attribute: &attribute.rule,
                    node: &element,
                    kind: None,
                    clock: terms.clock,
                };
                rules.push(compared.rule(found)?);
            }
            Json::String(text) => {
                warn_of_looks(&text.get(), &element, found);
            }
            Json::Number(_) => {}
            _ => match equals(attribute, &element, found) {
                Some(rule) => rules.push(rule),
                None => is_good = false,
            },
        }
    }
    let is_value = |element: &Json<'_>| match element {
        Json::String(text) => !operand::is_comparison(&text.get()),
        element => element.is_number(),
    };
    let values = node.value.as_array().into_iter().flat_map(JsonList::iter).filter(is_value);
    if values.clone().next().is_some() {
        rules.insert(0, attribute.compare("in", &RuleText::values(values)));
    }
    if rules.is_empty() && is_good {
        found.push(node.error("is an empty list", "write at least one value"));
    }
    if is_good { joined("or", rules) } else { None }
}

/// What can be said of an attribute by name.
const OPERATORS: [&str; 11] = [
    "is",
    "not",
    "exists",
    "contains",
    "starts_with",
    "ends_with",
    "matches_any",
    "in_list",
    "version",
    "number",
    "time",
];

const OPERATORS_HELP: &str = concat!(
    "write one of is, not, exists, contains, starts_with, ends_with, ",
    "matches_any, in_list, version, number, time",
);

fn apply(
    attribute: &Attribute<'_>,
    operator: &str,
    operand: &Node<'_>,
    terms: ConditionContext<'_>,
    found: &mut Problems,
) -> Option<RuleText> {
    let compared = |kind, found: &mut Problems| {
        Compared { attribute: &attribute.rule, node: operand, kind, clock: terms.clock }.rule(found)
    };
    match operator {
        "version" => compared(Some(OperandKind::Version), found),
        "number" => compared(Some(OperandKind::Number), found),
        "time" => compared(Some(OperandKind::Time), found),
        "is" => {
            let rules = operand.each().into_iter().map(|value| equals(attribute, &value, found));
            joined("or", rules.collect::<Option<Vec<_>>>()?)
        }
        "not" => {
            let rule = match operand.value {
                Json::Array(_) => any_of(attribute, operand, terms, found),
                _ => is_value(attribute, operand, terms, found),
            };
            Some(rule?.not())
        }
        "exists" => {
            let sign = if operand.truth(found)? { "!==" } else { "===" };
            Some(attribute.compare(sign, &RuleText::null()))
        }
        "contains" => texts(operand, found, |text| RuleText::compare("in", text, &attribute.rule)),
        "starts_with" => texts(operand, found, |text| attribute.compare("starts_with", text)),
        "ends_with" => texts(operand, found, |text| attribute.compare("ends_with", text)),
        "matches_any" => matches(attribute, operand, found),
        "in_list" => {
            let list = operand.text("the name of a file", found)?;
            terms.segments.membership((attribute.name, &attribute.rule), &list, operand, found)
        }
        unknown => {
            let path = operand.path.clone().target(Target::Name);
            let help = synonyms::of_operator(unknown)
                .map_or_else(|| suggest(unknown, OPERATORS, OPERATORS_HELP), str::to_owned);
            let message = "is not an operator of conditions";
            found.push(Diagnostic::error(path, message, help));
            None
        }
    }
}

/// A rule for each text of an operand, any of which may hold.
fn texts(
    operand: &Node<'_>,
    found: &mut Problems,
    rule: impl Fn(&RuleText) -> RuleText,
) -> Option<RuleText> {
    let texts = operand.each().into_iter().map(|node| node.text("a text", found));
    let texts: Vec<String> = texts.collect::<Option<_>>()?;
    if texts.is_empty() {
        found.push(operand.error("is an empty list", "write at least one text"));
    }
    joined("or", texts.iter().map(|text| rule(&RuleText::text(text))).collect())
}

/// Patterns with a star at the beginning, at the end, or at both.
fn matches(
    attribute: &Attribute<'_>,
    operand: &Node<'_>,
    found: &mut Problems,
) -> Option<RuleText> {
    let pattern = |node: Node<'_>, found: &mut Problems| {
        let text = node.text("a pattern", found)?;
        let (open_start, rest) =
            text.strip_prefix('*').map_or((false, text.as_str()), |rest| (true, rest));
        let (open_end, core) = rest.strip_suffix('*').map_or((false, rest), |core| (true, core));
        if core.is_empty() || core.contains('*') {
            let help = "write *@example.com, admin-* or *test*: stars at the ends alone";
            found.push(node.error(format!("\"{text}\" is no pattern"), help));
            return None;
        }
        let core = RuleText::text(core);
        Some(match (open_start, open_end) {
            (true, true) => RuleText::compare("in", &core, &attribute.rule),
            (true, false) => attribute.compare("ends_with", &core),
            (false, true) => attribute.compare("starts_with", &core),
            (false, false) => attribute.compare("==", &core),
        })
    };
    let rules = operand.each().into_iter().map(|node| pattern(node, found));
    joined("or", rules.collect::<Option<Vec<_>>>()?)
}
