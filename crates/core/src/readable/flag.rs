//! A flag as a person writes it, read into a plan.

use super::{
    condition::ConditionContext,
    experiment::Experiment,
    facts,
    node::Node,
    plan::{Plan, PlannedOutcome},
    requires::RequirementRefusal,
    rule_text::RuleText,
    rules,
    variants::Variants,
};
use crate::{
    diagnostic::{Diagnostic, Target, problems::Problems},
    document::{
        kill_detection::{SwitchedOff, is_kill},
        yaml_bool,
    },
    readable::{clock::Clock, kill_and_duplicates::Switches, schema},
};

/// What decides: at most one of them.
const LAST: [&str; 4] = ["serve", "rollout", "experiment", "targeting"];

pub(super) const KNOWN: [&str; 25] = [
    "owner",
    "why",
    "description",
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

/// Reads a flag. `None` if it cannot be served, for a reason among the errors found.
///
/// Its `switches` are those of all of its copies.
pub(super) fn read(
    node: &Node<'_>,
    switches: &Switches,
    terms: ConditionContext<'_>,
    found: &mut Problems,
) -> Option<Plan> {
    let key = node.name();
    if KNOWN.contains(&key) && !node.value.is_object() {
        let help = "indent it by two more spaces, so that it stands below the key of its flag";
        found.push(node.error("belongs to a flag, and is none", help));
        return None;
    }
    // What is wrong with an unclear kill is told once.
    let others = other_kills(node);
    let told = switches.unclear().chain(others.iter().map(String::as_str));
    let known: Vec<&str> = KNOWN.into_iter().chain(told).collect();
    node.object(&known, "a flag", found)?;
    for name in &others {
        let path = node.path.member(name).target(Target::Name);
        let message = "is not a member of a flag; the kill holds";
        found.push(Diagnostic::error(path, message, "write killed: true"));
    }
    let mut variants = Variants::read(node.member("variants").as_ref(), found)?;
    if let Some(schema) = node.member("schema") {
        schema::check(&schema, node.member("variants").as_ref(), found);
    }
    let metadata = facts::metadata(node, found);
    let switched_off = switches.off();
    let killed = match switched_off {
        Some(SwitchedOff::Killed) => true,
        _ => {
            let killed = node.member("killed").filter(|_| !switches.is_unclear("killed"));
            killed.and_then(|killed| killed.truth(found)).unwrap_or(false)
        }
    };
    let decides: Vec<_> = LAST.iter().filter_map(|name| node.member(name)).collect();
    if let [first, second, ..] = decides.as_slice() {
        let message = format!("says twice what is served: {} and {}", first.name(), second.name());
        found.push(node.error(message, "keep one of them; rules can come before it"));
    }
    let experiment = node
        .member("experiment")
        .and_then(|experiment| Experiment::read(&experiment, &mut variants, found));
    let otherwise = otherwise(node, &variants, experiment.as_ref(), killed, found);
    let rules = rules::read(node, &variants, terms, found);
    let last = rules::last(node, &variants, experiment, terms, found);
    let outcomes = rules.iter().map(|(_, outcome)| ("rules", outcome));
    let outcomes = outcomes.chain(last.iter().flatten().map(|last| ("rollout", last)));
    warn_of_otherwise(node, outcomes, otherwise.as_deref(), found);
    let requires = rules::requires(node, found);
    let (start, end) = window(node, terms.clock, found);
    let text = |name: &str, found: &mut Problems| {
        node.member(name).and_then(|text| text.text("a text", found))
    };
    let (salt, by) = (text("salt", found), text("by", found));
    let inline = node.member("targeting").map(|targeting| {
        (RuleText::of(targeting.value), RequirementRefusal::of(&variants, targeting.value))
    });
    if inline.is_some() {
        let others = ["rules", "requires", "start", "end", "hold_at", "salt", "by"];
        for other in others.iter().filter_map(|name| node.member(name)) {
            let help = "write the condition into the targeting, or use the readable form";
            found.push(other.error("has no effect beside targeting", help));
        }
    }
    let disabled = match switched_off {
        Some(SwitchedOff::Disabled) => true,
        _ => is_disabled(node, found),
    };
    if disabled && killed {
        let help = "remove it: killed serves everybody the safe variant";
        found.push(node.warning("is DISABLED and killed, and killed counts", help));
    }
    if otherwise.is_none() && !found.has_error() {
        found.push(no_otherwise(node, killed));
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

/// The members that kill the flag under another spelling of `killed`, such as `Killed`.
fn other_kills(node: &Node<'_>) -> Vec<String> {
    let is_other = |name: &str| name != "killed" && is_kill(name);
    let kills = node
        .members()
        .filter(|(name, kill)| is_other(name) && yaml_bool::truth_of(kill.value) == Some(true));
    kills.map(|(name, _)| name.into_owned()).collect()
}

/// Warns of rollouts that give everybody the same.
fn warn_of_otherwise<'o>(
    node: &Node<'_>,
    outcomes: impl Iterator<Item = (&'static str, &'o PlannedOutcome)>,
    otherwise: Option<&str>,
    found: &mut Problems,
) {
    for (name, outcome) in outcomes {
        if let (PlannedOutcome::Rollout(rollout), Some(member)) = (outcome, node.member(name))
            && otherwise == Some(&rollout.serve)
        {
            let message = format!("rolls out \"{}\", which the others get too", rollout.serve);
            let help = "write another variant as otherwise, or { serve: VARIANT, to: 5% }";
            found.push(member.warning(message, help));
        }
    }
}

/// When a launch begins and ends.
fn window(node: &Node<'_>, clock: &Clock, found: &mut Problems) -> (Option<i64>, Option<i64>) {
    let mut moment = |name: &str| node.member(name).and_then(|moment| clock.moment(&moment, found));
    let (start, end) = (moment("start"), moment("end"));
    if let (Some(start), Some(end)) = (start, end)
        && end <= start
    {
        found.push(node.error("ends before it starts", "let end be later than start"));
    }
    (start, end)
}

fn is_disabled(node: &Node<'_>, found: &mut Problems) -> bool {
    let Some(state) = node.member("state") else { return false };
    match state.value.as_str().as_deref() {
        Some("DISABLED") => true,
        Some("ENABLED") => false,
        _ => {
            let help = "write ENABLED or DISABLED; to switch it off, write killed: true";
            found.push(state.error("is no state", help));
            false
        }
    }
}

/// What those get whom nothing else serves, and everybody when it is killed.
fn otherwise(
    node: &Node<'_>,
    variants: &Variants,
    experiment: Option<&Experiment>,
    killed: bool,
    found: &mut Problems,
) -> Option<String> {
    // Where a country has the name of a truth, what was written counts.
    let off = variants.meaning(false);
    if killed && off.as_deref() == Some("off") {
        return off;
    }
    if let Some(otherwise) = node.member("otherwise") {
        let serve = node.member("serve").filter(|_| killed);
        let served = serve.and_then(|serve| yaml_bool::named(serve.value, variants.names()));
        let named = variants.named_but(&otherwise, served, found);
        if let Some(experiment) = experiment
            && named.as_ref().is_some_and(|named| *named != experiment.outside)
        {
            let help = "remove it: they get what outside says, under its own name";
            let message = "would count units outside of the experiment as one of its variants";
            found.push(otherwise.error(message, help));
        }
        return named;
    }
    if let Some(experiment) = experiment {
        return Some(experiment.outside.clone());
    }
    if off.is_some() {
        return off;
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
fn no_otherwise(node: &Node<'_>, killed: bool) -> Diagnostic {
    let (message, help) = match killed || node.member("killed").is_some() {
        true => (
            "has no variant to go back to when it is killed",
            "write otherwise: VARIANT, the one that is safe",
        ),
        false => ("does not say what those get whom no rule serves", "write otherwise: VARIANT"),
    };
    node.error(message, help)
}
