//! What decides in a flag: rules, what stands below them, and the flags it requires.

use super::{
    condition::{self, ConditionContext},
    experiment::Experiment,
    node::Node,
    plan::{PlannedOutcome, Requirement},
    requires::MOST_WRITTEN_IN,
    rollout::Rollout,
    rule_text::RuleText,
    share::Share,
    variants::Variants,
};
use crate::{diagnostic::problems::Problems, document::json::Json};

/// The members of a rule.
const KNOWN: [&str; 4] = ["if", "serve", "rollout", "because"];

/// The rules, first to last; one that makes no sense is told and left out.
pub(super) fn read(
    node: &Node<'_>,
    variants: &Variants,
    terms: ConditionContext<'_>,
    found: &mut Problems,
) -> Vec<(RuleText, PlannedOutcome)> {
    let Some(rules) = node.member("rules") else { return Vec::new() };
    if !rules.value.is_array() {
        let help =
            "write - { if: CONDITION, serve: VARIANT } for each; the first that matches counts";
        found.push(rules.error("is not a list", help));
    } else if rules.elements().next().is_none() {
        found.push(rules.warning("is an empty list", "write a rule, or remove it"));
    }
    rules.elements().filter_map(|rule| self::rule(&rule, variants, terms, found)).collect()
}

fn rule(
    node: &Node<'_>,
    variants: &Variants,
    terms: ConditionContext<'_>,
    found: &mut Problems,
) -> Option<(RuleText, PlannedOutcome)> {
    if let Some(last) = ["else", "default", "otherwise"].into_iter().find_map(|of| node.member(of))
    {
        let help = "write otherwise: VARIANT for everybody else, beside rules";
        found.push(last.error("is not a member of a rule", help));
        return None;
    }
    node.object(&KNOWN, "a rule", found)?;
    let condition = match node.member("if") {
        Some(condition) => condition::rule(&condition, terms, found),
        None => {
            let help = "write if: CONDITION; what everybody else gets stands below the rules";
            found.push(node.error("has no \"if\"", help));
            None
        }
    };
    let outcome = match (node.member("serve"), node.member("rollout")) {
        (Some(serve), None) => variants.named(&serve, found).map(PlannedOutcome::Variant),
        (None, Some(rollout)) => {
            Rollout::read(&rollout, variants, terms.clock, found).map(PlannedOutcome::Rollout)
        }
        (Some(_), Some(_)) => {
            found.push(node.error("has both serve and rollout", "keep one of them"));
            None
        }
        (None, None) => {
            found.push(node.error("does not say what it serves", "write serve: VARIANT"));
            None
        }
    };
    Some((condition?, outcome?))
}

/// What is served where no rule matches: `None` inside if nothing says so, outside if it is wrong.
pub(super) fn last(
    node: &Node<'_>,
    variants: &Variants,
    experiment: Option<Experiment>,
    terms: ConditionContext<'_>,
    found: &mut Problems,
) -> Option<Option<PlannedOutcome>> {
    let held = node.member("hold_at");
    if let Some(held) = held.as_ref().filter(|_| node.member("rollout").is_none()) {
        found.push(held.error("holds no rollout", "write it beside the rollout it holds"));
    }
    if let Some(serve) = node.member("serve") {
        return Some(Some(PlannedOutcome::Variant(variants.named(&serve, found)?)));
    }
    if let Some(rollout) = node.member("rollout") {
        let mut rollout = Rollout::read(&rollout, variants, terms.clock, found)?;
        if let Some(most) = held.and_then(|held| Share::read(&held, found)) {
            rollout.hold_at(most);
        }
        return Some(Some(PlannedOutcome::Rollout(rollout)));
    }
    Some(experiment.map(PlannedOutcome::Experiment))
}

/// The flags that have to be on, or to serve a variant.
pub(super) fn requires(node: &Node<'_>, found: &mut Problems) -> Vec<Requirement> {
    let Some(requires) = node.member("requires") else { return Vec::new() };
    let mut needed = Vec::new();
    let is_list = requires.value.is_array();
    for (place, one) in requires.each().into_iter().enumerate() {
        // A flag that requires more has an error for the first that is too many.
        if needed.len() > MOST_WRITTEN_IN {
            break;
        }
        let place = is_list.then_some(place);
        match one.value {
            Json::String(flag) => {
                needed.push(Requirement { flag: flag.get().into(), variant: None, place });
            }
            Json::Object(members) => needed.extend(members.members().map(|(flag, of)| {
                let variant = of.as_str().unwrap_or_else(|| of.to_canonical().into());
                Requirement { flag: flag.into(), variant: Some(variant.into()), place }
            })),
            _ => {
                let help = "write requires: FLAG, or requires: { FLAG: VARIANT }";
                found.push(one.error("names no flag", help));
            }
        }
    }
    needed
}
