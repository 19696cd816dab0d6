//! What a flag is to do, and the definition that does it.

use super::{
    experiment::Experiment,
    requires::RequirementRefusal,
    rollout::Rollout,
    rule_text::{RuleText, put_operation},
    share::Share,
    variants::{Variants, put_member},
};
use crate::readable::translation::FlagShape;
use crate::{diagnostic::Path, flag::rule::Generation};

/// A flag that was understood.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) variants: Variants,
    /// What those get whom nothing else serves, and everybody when it is killed.
    pub(super) otherwise: String,
    pub(super) disabled: bool,
    pub(super) killed: bool,
    /// As an object.
    pub(super) metadata: Option<Box<str>>,
    /// A rule that was written as such, and why the flag cannot be required for it.
    pub(super) inline: Option<(RuleText, Option<RequirementRefusal>)>,
    pub(super) requires: Vec<Requirement>,
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
    /// Conditions and what they lead to; the first that holds counts.
    pub(super) rules: Vec<(RuleText, PlannedOutcome)>,
    pub(super) last: Option<PlannedOutcome>,
    pub(super) salt: Option<String>,
    pub(super) by: Option<String>,
}

/// A flag that has to be on, or to serve a variant.
#[derive(Debug)]
pub(super) struct Requirement {
    pub(super) flag: Box<str>,
    pub(super) variant: Option<Box<str>>,
    /// Its place, in a list.
    pub(super) place: Option<usize>,
}

impl Requirement {
    /// Where it stands, in the `requires` at this path.
    pub(super) fn path(&self, requires: &Path) -> Path {
        let path = self.place.map_or_else(|| requires.clone(), |place| requires.place(place));
        if self.variant.is_some() { path.member(&self.flag) } else { path }
    }
}

/// What a rule leads to.
#[derive(Debug)]
pub(super) enum PlannedOutcome {
    Variant(String),
    Rollout(Rollout),
    Experiment(Experiment),
}

/// How a flag's rule is written down.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writing<'a> {
    pub(super) key: &'a str,
    pub(super) generation: Generation,
    /// Inside another flag's rule, where the other flag's key would be hashed.
    pub(super) elsewhere: bool,
}

impl Plan {
    /// The definition, under conditions of other flags that have to hold.
    pub(super) fn definition(&self, writing: Writing<'_>, required: &[RuleText]) -> Box<str> {
        let metadata = self.metadata.as_deref().unwrap_or_default();
        let variants = self.variants.as_json();
        let others = variants.len() + metadata.len() + 2 * self.otherwise.len() + 128;
        let mut out = String::with_capacity(others + self.length_of_rules(required));
        // A kill is for everybody, whatever stands in their code.
        let state = if self.disabled && !self.killed { "DISABLED" } else { "ENABLED" };
        out.push('{');
        put_member(&mut out, "state", RuleText::text(state).as_str());
        put_member(&mut out, "variants", variants);
        if !metadata.is_empty() {
            put_member(&mut out, "metadata", metadata);
        }
        let before = out.len();
        put_member(&mut out, "targeting", "");
        let begins = out.len();
        let mut default = None;
        let has_rule = self.put_targeting(&mut out, writing, required);
        let rule = out.get(begins..).unwrap_or_default();
        // One variant for everybody at any time needs no rule, and is told as static.
        if rule.starts_with('"') {
            default = Some(rule.to_owned());
        }
        if default.is_some() || !has_rule {
            out.truncate(before);
        }
        let default = default.unwrap_or_else(|| RuleText::text(&self.otherwise).into_text().into());
        put_member(&mut out, "defaultVariant", &default);
        out.push('}');
        out.into()
    }

    /// What the definition does not say.
    pub(super) fn shape(&self) -> FlagShape {
        let gated = self.start.is_some() || self.end.is_some() || !self.requires.is_empty();
        let held = match &self.last {
            Some(PlannedOutcome::Rollout(rollout)) => rollout.held.clone(),
            _ => None,
        };
        // In a static flag no default shows it, and "off" is found by its name.
        let otherwise = match &self.last {
            Some(PlannedOutcome::Variant(serve)) if *serve != self.otherwise => {
                Some(&self.otherwise)
            }
            _ => None,
        };
        let otherwise = otherwise.filter(|name| **name != "off").map(|name| (&**name).into());
        FlagShape { gated, held, killed: self.killed, otherwise }
    }

    /// The rule; `None` if everybody gets the default.
    pub(super) fn targeting(
        &self,
        writing: Writing<'_>,
        required: &[RuleText],
    ) -> Option<RuleText> {
        let mut out = String::with_capacity(self.length_of_rules(required));
        self.put_targeting(&mut out, writing, required).then(|| RuleText::written(out))
    }

    /// About the bytes of the rule.
    fn length_of_rules(&self, required: &[RuleText]) -> usize {
        let inline = self.inline.iter().map(|(rule, _)| rule);
        let rules = self.rules.iter().map(|(condition, _)| condition);
        let written = inline.chain(rules).chain(required).map(|rule| rule.as_str().len() + 32);
        written.sum::<usize>() + 128
    }

    /// Writes the rule; `false` if everybody gets the default.
    fn put_targeting(&self, out: &mut String, writing: Writing<'_>, required: &[RuleText]) -> bool {
        if self.killed {
            return false;
        }
        if let Some((inline, _)) = &self.inline {
            out.push_str(inline.as_str());
            return true;
        }
        let last = self.last.as_ref().and_then(|last| self.outcome(last, writing));
        let otherwise = RuleText::text(&self.otherwise);
        if self.rules.is_empty() && last.is_none() {
            return false;
        }
        let window = self.window();
        let gate: Vec<&RuleText> = window.iter().chain(required).collect();
        match gate.as_slice() {
            [] => {}
            [condition] => {
                out.push_str("{\"if\":[");
                out.push_str(condition.as_str());
                out.push(',');
            }
            _ => {
                out.push_str("{\"if\":[");
                put_operation(out, "and", gate.iter().copied());
                out.push(',');
            }
        }
        match last {
            Some(last) if self.rules.is_empty() => out.push_str(last.as_str()),
            last => {
                let outcomes = self.rules.iter().map(|(_, outcome)| self.outcome(outcome, writing));
                let outcomes: Vec<Option<RuleText>> = outcomes.collect();
                let conditions = self.rules.iter().map(|(condition, _)| condition);
                let outcomes =
                    outcomes.iter().map(|outcome| outcome.as_ref().unwrap_or(&otherwise));
                let clauses = conditions.zip(outcomes).flat_map(<[_; 2]>::from);
                // Without an else the default variant is served, which is what otherwise means.
                let last = last.as_ref().filter(|last| **last != otherwise);
                put_operation(out, "if", clauses.chain(last));
            }
        }
        if !gate.is_empty() {
            out.push_str("]}");
        }
        true
    }

    /// The conditions of a launch that begins, or ends.
    fn window(&self) -> Vec<RuleText> {
        let since = self.start.map(|start| compare_time(">=", start));
        let until = self.end.map(|end| compare_time("<", end));
        since.into_iter().chain(until).collect()
    }

    fn outcome(&self, outcome: &PlannedOutcome, writing: Writing<'_>) -> Option<RuleText> {
        match outcome {
            PlannedOutcome::Variant(name) => Some(RuleText::text(name)),
            PlannedOutcome::Rollout(rollout) => self.rollout(rollout, writing),
            PlannedOutcome::Experiment(experiment) => Some(self.experiment(experiment, writing)),
        }
    }

    /// The steps as conditions on the time, the last of them first.
    fn rollout(&self, rollout: &Rollout, writing: Writing<'_>) -> Option<RuleText> {
        let mut clauses = Vec::new();
        for (from, share) in rollout.steps.iter().rev() {
            let served = match *share {
                Share::NOBODY => None,
                Share::EVERYBODY => Some(RuleText::text(&rollout.serve)),
                share => {
                    let (part, rest) = share.weights();
                    let shares = [(&*rollout.serve, part), (&*self.otherwise, rest)];
                    Some(self.split("", &shares, writing))
                }
            };
            match from {
                Some(from) => {
                    let since = compare_time(">=", *from);
                    let nobody = || RuleText::text(&self.otherwise);
                    clauses.extend([since, served.unwrap_or_else(nobody)]);
                }
                None if clauses.is_empty() => return served,
                None => clauses.extend(served),
            }
        }
        Some(RuleText::apply("if", &clauses))
    }

    fn experiment(&self, experiment: &Experiment, writing: Writing<'_>) -> RuleText {
        let outside = RuleText::text(&experiment.outside);
        if experiment.traffic == Share::NOBODY {
            return outside;
        }
        let arms: Vec<_> =
            experiment.arms.iter().map(|(name, weight)| (name.as_str(), *weight)).collect();
        let split = self.split("/arms/", &arms, writing);
        if experiment.traffic == Share::EVERYBODY {
            return split;
        }
        let (part, rest) = experiment.traffic.weights();
        let gate = self.split("/traffic/", &[("in", part), ("out", rest)], writing);
        let is_in = RuleText::compare("==", &gate, &RuleText::text("in"));
        RuleText::apply("if", [&is_in, &split, &outside])
    }

    /// A split of units. Those without a unit get nothing of it, and so what is otherwise.
    fn split(&self, suffix: &str, shares: &[(&str, u32)], writing: Writing<'_>) -> RuleText {
        let share = |(name, weight): &(&str, u32)| {
            RuleText::list([&RuleText::text(name), &RuleText::number(&(*weight).into())])
        };
        let mut arguments: Vec<RuleText> = shares.iter().map(share).collect();
        let is_plain = suffix.is_empty()
            && self.salt.is_none()
            && self.by.is_none()
            && !writing.elsewhere
            // There, what is hashed by itself cannot be said in another flag, or under a new key.
            && writing.generation == Generation::V2;
        if is_plain {
            return RuleText::apply("fractional", &arguments);
        }
        let salt = format!("{}{suffix}", self.salt.as_deref().unwrap_or(writing.key));
        let unit = RuleText::attribute(self.by.as_deref().unwrap_or("targetingKey"));
        let salted = RuleText::compare("cat", &RuleText::text(&salt), &unit);
        match &self.by {
            None => {
                arguments.insert(0, RuleText::compare("if", &unit, &salted));
                RuleText::apply("fractional", &arguments)
            }
            // Without its own unit, generation 2 would take the targeting key.
            Some(_) => {
                arguments.insert(0, salted);
                RuleText::compare("if", &unit, &RuleText::apply("fractional", &arguments))
            }
        }
    }
}

/// A comparison of the time with a moment.
fn compare_time(sign: &str, moment: i64) -> RuleText {
    let seconds = RuleText::attribute("$flagd.timestamp");
    RuleText::compare(sign, &seconds, &RuleText::number(&moment.into()))
}
