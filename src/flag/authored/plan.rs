//! What a flag is to do, and the definition that does it.

use super::{Shape, experiment::Experiment, rollout::Rollout, share::Share, variants::Variants};
use crate::flag::{Generation, diagnostic::Diagnostic};
use serde_json::{Map, Value as Json, json};

/// A flag that was understood.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) variants: Variants,
    /// What those get whom nothing else serves, and everybody when it is killed.
    pub(super) otherwise: String,
    pub(super) disabled: bool,
    pub(super) killed: bool,
    pub(super) metadata: Map<String, Json>,
    /// A rule that was written as such.
    pub(super) inline: Option<Json>,
    /// Flags with the variant each has to serve, and the error to tell of it.
    pub(super) requires: Vec<(String, Option<Json>, Diagnostic)>,
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
    /// Conditions and what they lead to; the first that holds counts.
    pub(super) rules: Vec<(Json, Outcome)>,
    pub(super) last: Option<Outcome>,
    pub(super) salt: Option<String>,
    pub(super) by: Option<String>,
}

/// What a rule leads to.
#[derive(Debug)]
pub(super) enum Outcome {
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
    pub(super) fn definition(&self, writing: Writing<'_>, required: Vec<Json>) -> Json {
        let mut definition = Map::new();
        // A kill is for everybody, whatever stands in their code.
        let state = if self.disabled && !self.killed { "DISABLED" } else { "ENABLED" };
        definition.insert("state".to_owned(), state.into());
        definition.insert("variants".to_owned(), self.variants.as_json().clone().into());
        definition.insert("defaultVariant".to_owned(), self.otherwise.clone().into());
        if !self.metadata.is_empty() {
            definition.insert("metadata".to_owned(), self.metadata.clone().into());
        }
        if let Some(targeting) = self.targeting(writing, required) {
            // One variant for everybody at any time needs no rule, and is told as static.
            let member = if targeting.is_string() { "defaultVariant" } else { "targeting" };
            definition.insert(member.to_owned(), targeting);
        }
        definition.into()
    }

    /// What the definition does not say.
    pub(super) fn shape(&self) -> Shape {
        let gated = self.start.is_some() || self.end.is_some() || !self.requires.is_empty();
        let held = match &self.last {
            Some(Outcome::Rollout(rollout)) => rollout.held.clone(),
            _ => None,
        };
        Shape { gated, held, killed: self.killed }
    }

    /// Whether a rule that was written as such gives names of variants alone, or nothing.
    pub(super) fn names_variants(&self, rule: &Json) -> bool {
        match rule {
            Json::Null => true,
            Json::String(name) => self.variants.as_json().contains_key(name),
            Json::Object(members) if members.len() == 1 => match members.get("if") {
                Some(Json::Array(clauses)) => {
                    let (pairs, last) = clauses.as_chunks::<2>();
                    pairs
                        .iter()
                        .map(|[_, result]| result)
                        .chain(last)
                        .all(|of| self.names_variants(of))
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// The rule; `None` if everybody gets the default.
    pub(super) fn targeting(&self, writing: Writing<'_>, required: Vec<Json>) -> Option<Json> {
        if self.killed {
            return None;
        }
        if let Some(inline) = &self.inline {
            return Some(inline.clone());
        }
        let mut clauses = Vec::new();
        for (condition, outcome) in &self.rules {
            let outcome = self.outcome(outcome, writing);
            let otherwise = || Json::String(self.otherwise.clone());
            clauses.extend([condition.clone(), outcome.unwrap_or_else(otherwise)]);
        }
        let last = self.last.as_ref().and_then(|last| self.outcome(last, writing));
        let served = match clauses.is_empty() {
            true => last?,
            false => {
                // Without an else the default variant is served, which is what otherwise means.
                clauses.extend(last.filter(|last| *last != *self.otherwise));
                json!({"if": clauses})
            }
        };
        let mut gate = self.window();
        gate.extend(required);
        Some(match gate.len() {
            0 => served,
            1 => json!({"if": [gate.pop(), served]}),
            _ => json!({"if": [{"and": gate}, served]}),
        })
    }

    /// The conditions of a launch that begins, or ends.
    fn window(&self) -> Vec<Json> {
        let seconds = json!({"var": "$flagd.timestamp"});
        let since = self.start.map(|start| json!({">=": [seconds, start]}));
        let until = self.end.map(|end| json!({"<": [seconds, end]}));
        since.into_iter().chain(until).collect()
    }

    fn outcome(&self, outcome: &Outcome, writing: Writing<'_>) -> Option<Json> {
        match outcome {
            Outcome::Variant(name) => Some(name.clone().into()),
            Outcome::Rollout(rollout) => self.rollout(rollout, writing),
            Outcome::Experiment(experiment) => Some(self.experiment(experiment, writing)),
        }
    }

    /// The steps as conditions on the time, the last of them first.
    fn rollout(&self, rollout: &Rollout, writing: Writing<'_>) -> Option<Json> {
        let mut clauses = Vec::new();
        for (from, share) in rollout.steps.iter().rev() {
            let served = match *share {
                Share::NOBODY => None,
                Share::EVERYBODY => Some(rollout.serve.clone().into()),
                share => {
                    let (part, rest) = share.weights();
                    let shares = [(&*rollout.serve, part), (&*self.otherwise, rest)];
                    Some(self.split("", &shares, writing))
                }
            };
            match from {
                Some(from) => {
                    let since = json!({">=": [{"var": "$flagd.timestamp"}, from]});
                    let nobody = || Json::String(self.otherwise.clone());
                    clauses.extend([since, served.unwrap_or_else(nobody)]);
                }
                None if clauses.is_empty() => return served,
                None => clauses.extend(served),
            }
        }
        Some(json!({"if": clauses}))
    }

    fn experiment(&self, experiment: &Experiment, writing: Writing<'_>) -> Json {
        let outside = Json::String(experiment.outside.clone());
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
        json!({"if": [{"==": [gate, "in"]}, split, outside]})
    }

    /// A split of units. Those without a unit get nothing of it, and so what is otherwise.
    fn split(&self, suffix: &str, shares: &[(&str, u32)], writing: Writing<'_>) -> Json {
        let mut arguments: Vec<Json> =
            shares.iter().map(|(name, weight)| json!([name, weight])).collect();
        let is_plain = suffix.is_empty()
            && self.salt.is_none()
            && self.by.is_none()
            && !writing.elsewhere
            // There, what is hashed by itself cannot be said in another flag, or under a new key.
            && writing.generation == Generation::V2;
        if is_plain {
            return json!({"fractional": arguments});
        }
        let salt = format!("{}{suffix}", self.salt.as_deref().unwrap_or(writing.key));
        let unit = json!({"var": self.by.as_deref().unwrap_or("targetingKey")});
        let salted = json!({"cat": [salt, unit]});
        match &self.by {
            None => {
                arguments.insert(0, json!({"if": [unit, salted]}));
                json!({"fractional": arguments})
            }
            // Without its own unit, generation 2 would take the targeting key.
            Some(_) => {
                arguments.insert(0, salted);
                json!({"if": [unit, {"fractional": arguments}]})
            }
        }
    }
}
