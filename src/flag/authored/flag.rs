//! A flag as a person writes it, read into a plan.

use super::{
    condition::{self, Terms},
    experiment::Experiment,
    node::Node,
    plan::{Outcome, Plan},
    rollout::Rollout,
    shape,
    share::Share,
    variants::Variants,
};
use crate::flag::{
    diagnostic::{Diagnostic, Target},
    problems::Problems,
};
use serde_json::{Map, Value as Json};

/// What is told about a flag, and becomes its metadata.
const FACTS: [&str; 7] = ["owner", "why", "kind", "expires", "created", "ticket", "feature"];

/// What decides: at most one of them.
const LAST: [&str; 4] = ["serve", "rollout", "experiment", "targeting"];

const KNOWN: [&str; 24] = [
    "owner",
    "why",
    "kind",
    "expires",
    "created",
    "ticket",
    "feature",
    "metadata",
    "variants",
    "serve",
    "otherwise",
    "rules",
    "rollout",
    "hold_at",
    "by",
    "salt",
    "experiment",
    "killed",
    "requires",
    "start",
    "end",
    "targeting",
    "state",
    "schema",
];

const KNOWN_OF_RULE: [&str; 4] = ["if", "serve", "rollout", "because"];

/// Reads a flag. `None` if it cannot be served, for a reason among the errors found.
pub(super) fn read(node: &Node<'_>, terms: Terms<'_>, found: &mut Problems) -> Option<Plan> {
    let key = name(node);
    if KNOWN.contains(&key.as_str()) && !node.value.is_object() {
        let help = "indent it by two more spaces, so that it stands below the key of its flag";
        found.push(node.error("belongs to a flag, and is none", help));
        return None;
    }
    node.object(&KNOWN, "a flag", found)?;
    let mut variants = Variants::read(node.member("variants").as_ref(), found)?;
    if let Some(schema) = node.member("schema") {
        shape::check(&schema, &variants, node.member("variants").as_ref(), found);
    }
    let metadata = metadata(node, found);
    let killed = node.member("killed").and_then(|killed| killed.truth(found)).unwrap_or(false);
    let decides: Vec<_> = LAST.iter().filter_map(|name| node.member(name)).collect();
    if let [first, second, ..] = decides.as_slice() {
        let message = format!("says twice what is served: {} and {}", name(first), name(second));
        found.push(node.error(message, "keep one of them; rules can come before it"));
    }
    let experiment = node
        .member("experiment")
        .and_then(|experiment| Experiment::read(&experiment, &mut variants, found));
    let otherwise = otherwise(node, &variants, experiment.as_ref(), killed, found);
    let rules = rules(node, &variants, terms, found);
    let last = last(node, &variants, experiment, terms, found);
    let outcomes = rules.iter().map(|(_, outcome)| ("rules", outcome));
    let of_last = last.iter().flatten().map(|outcome| ("rollout", outcome));
    for (name, outcome) in outcomes.chain(of_last) {
        if let (Outcome::Rollout(rollout), Some(member)) = (outcome, node.member(name))
            && otherwise.as_ref() == Some(&rollout.serve)
        {
            let message = format!("rolls out \"{}\", which the others get too", rollout.serve);
            let help = "write another variant as otherwise, or { serve: VARIANT, to: 5% }";
            found.push(member.warning(message, help));
        }
    }
    let requires = requires(node, found);
    let moment = |name: &str, found: &mut Problems| {
        node.member(name).and_then(|moment| terms.clock.moment(&moment, found))
    };
    let (start, end) = (moment("start", found), moment("end", found));
    if let (Some(start), Some(end)) = (start, end)
        && end <= start
    {
        found.push(node.error("ends before it starts", "let end be later than start"));
    }
    let text = |name: &str, found: &mut Problems| {
        node.member(name).and_then(|text| text.text("a text", found))
    };
    let (salt, by) = (text("salt", found), text("by", found));
    let inline = node.member("targeting").map(|targeting| targeting.value.clone());
    if inline.is_some() {
        let others = ["rules", "requires", "start", "end", "hold_at", "salt", "by"];
        for other in others.iter().filter_map(|name| node.member(name)) {
            let help = "write the condition into the targeting, or use the readable form";
            found.push(other.error("has no effect beside targeting", help));
        }
    }
    let disabled = match node.member("state") {
        None => false,
        Some(state) => match state.value.as_str() {
            Some("DISABLED") => true,
            Some("ENABLED") => false,
            _ => {
                let help = "write ENABLED or DISABLED; to switch it off, write killed: true";
                found.push(state.error("is no state", help));
                false
            }
        },
    };
    if otherwise.is_none() && !found.has_error() {
        found.push(no_otherwise(node));
    }
    let otherwise = otherwise?;
    // A typo elsewhere must not undo a kill.
    if killed || disabled {
        found.only_warn();
    } else if found.has_error() {
        return None;
    }
    Some(Plan {
        variants,
        otherwise,
        disabled,
        killed,
        metadata,
        inline,
        requires,
        start,
        end,
        rules,
        last: last.flatten(),
        salt,
        by,
    })
}

/// Whether a member of the metadata is written as a member of the flag.
pub(super) fn is_fact(name: &str) -> bool {
    FACTS.contains(&name)
}

fn name(node: &Node<'_>) -> String {
    node.path.name().unwrap_or_default().to_owned()
}

/// The facts and the metadata, flat.
fn metadata(node: &Node<'_>, found: &mut Problems) -> Map<String, Json> {
    let mut metadata = match node.member("metadata") {
        None => Map::new(),
        Some(more) => match more.value {
            Json::Object(members) => members.clone(),
            _ => {
                found.push(more.error("is not an object", "write names and values"));
                Map::new()
            }
        },
    };
    for fact in FACTS.iter().filter_map(|name| node.member(name)) {
        let value = match fact.value {
            Json::Object(_) => {
                found.push(fact.error("is not a text", "write it on one line"));
                continue;
            }
            Json::Array(_) => {
                let texts: Vec<_> =
                    fact.elements().filter_map(|text| text.text("a text", found)).collect();
                Json::String(texts.join(", "))
            }
            value => value.clone(),
        };
        metadata.insert(name(&fact), value);
    }
    metadata
}

/// What those get whom nothing else serves, and everybody when it is killed.
fn otherwise(
    node: &Node<'_>,
    variants: &Variants,
    experiment: Option<&Experiment>,
    killed: bool,
    found: &mut Problems,
) -> Option<String> {
    if killed && let Some(off) = variants.meaning(false) {
        return Some(off);
    }
    if let Some(otherwise) = node.member("otherwise") {
        return variants.named(&otherwise, found);
    }
    if let Some(experiment) = experiment {
        return Some(experiment.outside.clone());
    }
    if let Some(off) = variants.meaning(false) {
        return Some(off);
    }
    // With a variant for everybody there is no otherwise, unless somebody is left out.
    let serve = node.member("serve").filter(|_| !killed)?;
    let leaves_out = ["requires", "start", "end"].iter().any(|name| node.member(name).is_some());
    if !leaves_out {
        return variants.named(&serve, found);
    }
    None
}

/// The error of a flag that leaves out whom nothing serves.
fn no_otherwise(node: &Node<'_>) -> Diagnostic {
    let (message, help) = match node.member("killed") {
        Some(_) => (
            "has no variant to go back to when it is killed",
            "write otherwise: VARIANT, the one that is safe",
        ),
        None => ("does not say what those get whom no rule serves", "write otherwise: VARIANT"),
    };
    node.error(message, help)
}

fn rules(
    node: &Node<'_>,
    variants: &Variants,
    terms: Terms<'_>,
    found: &mut Problems,
) -> Vec<(Json, Outcome)> {
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
    terms: Terms<'_>,
    found: &mut Problems,
) -> Option<(Json, Outcome)> {
    node.object(&KNOWN_OF_RULE, "a rule", found)?;
    let condition = match node.member("if") {
        Some(condition) => condition::rule(&condition, terms, found),
        None => {
            let help = "write if: CONDITION; what everybody else gets stands below the rules";
            found.push(node.error("has no \"if\"", help));
            None
        }
    };
    let outcome = match (node.member("serve"), node.member("rollout")) {
        (Some(serve), None) => variants.named(&serve, found).map(Outcome::Variant),
        (None, Some(rollout)) => {
            Rollout::read(&rollout, variants, terms.clock, found).map(Outcome::Rollout)
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
fn last(
    node: &Node<'_>,
    variants: &Variants,
    experiment: Option<Experiment>,
    terms: Terms<'_>,
    found: &mut Problems,
) -> Option<Option<Outcome>> {
    let held = node.member("hold_at");
    if let Some(held) = held.as_ref().filter(|_| node.member("rollout").is_none()) {
        found.push(held.error("holds no rollout", "write it beside the rollout it holds"));
    }
    if let Some(serve) = node.member("serve") {
        return Some(Some(Outcome::Variant(variants.named(&serve, found)?)));
    }
    if let Some(rollout) = node.member("rollout") {
        let mut rollout = Rollout::read(&rollout, variants, terms.clock, found)?;
        if let Some(most) = held.and_then(|held| Share::read(&held, found)) {
            rollout.hold_at(most);
        }
        return Some(Some(Outcome::Rollout(rollout)));
    }
    Some(experiment.map(Outcome::Experiment))
}

/// The flags that have to be on, or to serve a variant.
fn requires(node: &Node<'_>, found: &mut Problems) -> Vec<(String, Option<Json>, Diagnostic)> {
    let Some(requires) = node.member("requires") else { return Vec::new() };
    let mut needed = Vec::new();
    for one in requires.each() {
        let help = "write requires: FLAG, or requires: { FLAG: VARIANT }";
        // What is wrong with one of them is found when all flags are read.
        let wrong =
            |of: &Node<'_>| Diagnostic::error(of.path.clone().target(Target::Value), "", help);
        match one.value {
            Json::String(flag) => needed.push((flag.clone(), None, wrong(&one))),
            Json::Object(_) => needed.extend(
                one.members()
                    .map(|(flag, of)| (flag.to_owned(), Some(of.value.clone()), wrong(&of))),
            ),
            _ => found.push(one.error("names no flag", help)),
        }
    }
    needed
}
