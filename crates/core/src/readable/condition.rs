//! Conditions: who a rule is for. `{ country: [DE, AT], app_version: ">= 4.2.0" }`
//!
//! A mapping means all of its attributes, a list of conditions all of them, a list of values any
//! of them, and a text is the name of a segment. What a missing attribute has is nothing: it equals
//! nothing, is in no list, and neither below nor above a number.

use super::{attribute, node::Node, rule_text::RuleText, segments::Segments};
use crate::{
    diagnostic::{Diagnostic, Target, problems::Problems},
    document::json::Json,
    readable::clock::Clock,
};

/// Deeper than anybody reads, and not as deep as a stack is.
const MAX_DEPTH: usize = 16;

/// What conditions may refer to.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConditionContext<'a> {
    pub(super) clock: &'a Clock,
    pub(super) segments: &'a Segments<'a>,
    depth: usize,
}

impl<'a> ConditionContext<'a> {
    pub(super) fn new(clock: &'a Clock, segments: &'a Segments<'a>) -> Self {
        Self { clock, segments, depth: 0 }
    }

    fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}

/// The rule of a condition; `None` if it makes no sense, which its author was told.
pub(super) fn rule(
    node: &Node<'_>,
    terms: ConditionContext<'_>,
    found: &mut Problems,
) -> Option<RuleText> {
    if terms.depth > MAX_DEPTH {
        let help = "name a part of it in segments";
        found.push(node.error(format!("is nested deeper than {MAX_DEPTH}"), help));
        return None;
    }
    match node.value {
        Json::String(name) => terms.segments.reference(&name.get(), node, found),
        Json::Array(_) => combine("and", node, terms, found),
        Json::Object(members) if !members.is_empty() => {
            let rules: Vec<_> = node
                .members()
                .map(|(name, member)| match &*name {
                    "any" => combine("or", &member, terms, found),
                    "all" => combine("and", &member, terms, found),
                    "not" if member.value.is_array() => {
                        let help =
                            "write not: { any: [...] } for none of them, or not: { all: [...] }";
                        let message = "may mean none of these, or not all of them";
                        found.push(member.error(message, help));
                        None
                    }
                    "or" | "and" | "none" | "none_of" | "any_of" | "all_of" | "&&" | "||" => {
                        let path = member.path.target(Target::Name);
                        let help = match &*name {
                            "or" | "any_of" | "||" => "write any: [CONDITION, …]",
                            "and" | "all_of" | "&&" => "write all: [CONDITION, …]",
                            _ => "write not: { any: [CONDITION, …] }",
                        };
                        found.push(Diagnostic::error(path, "joins no conditions here", help));
                        None
                    }
                    "not" => rule(&member, terms.deeper(), found).map(|rule| rule.not()),
                    name => attribute::rule(name, &member, terms, found),
                })
                .collect();
            joined("and", rules.into_iter().collect::<Option<Vec<_>>>()?)
        }
        _ => {
            let help =
                "write attributes and their values, the name of a segment, or a list of such";
            found.push(node.error("is no condition", help));
            None
        }
    }
}

/// Several conditions; one alone need not be in a list.
fn combine(
    operator: &str,
    node: &Node<'_>,
    terms: ConditionContext<'_>,
    found: &mut Problems,
) -> Option<RuleText> {
    let rules: Vec<_> = node.each().iter().map(|part| rule(part, terms.deeper(), found)).collect();
    if rules.is_empty() {
        found.push(node.error("is an empty list", "write at least one condition"));
    }
    joined(operator, rules.into_iter().collect::<Option<Vec<_>>>()?)
}

/// Several rules under an operator; one alone stands for itself.
pub(super) fn joined(operator: &str, mut rules: Vec<RuleText>) -> Option<RuleText> {
    if rules.len() > 1 { Some(RuleText::apply(operator, &rules)) } else { rules.pop() }
}
