//! Why a context gets what it gets: the targeting walked step by step, and told to a person.
//!
//! Nothing is decided here. Every value told is one the [`Evaluator`] gives, run on a part of the
//! rule, so an explanation says what the answer was made of. It is for whoever typed the context:
//! it shows attributes, and must never be logged.

mod attributes;
mod expression;
mod shares;
mod values;
mod walk;

use super::{
    context::Evaluator,
    evaluate::{Failure, Outcome, Reason},
};
use crate::flag::model::{Behaviour, Flag, Variant};
use walk::{Asked, ExplainWalk};

/// One line of an explanation.
#[derive(Debug, PartialEq, Eq)]
pub struct ExplainStep {
    /// How far to indent it: it tells of a part of the line above that is indented less.
    pub depth: usize,
    /// What it says.
    pub text: String,
}

impl ExplainStep {
    fn new(depth: usize, text: impl Into<String>) -> Self {
        Self { depth, text: text.into() }
    }
}

impl<'a> Evaluator<'a, '_> {
    /// Tells why the flag answers as it does. The outcome is what the steps told come to, which is
    /// that of [`evaluate`](Self::evaluate).
    pub fn explain(&mut self, flag: &'a Flag) -> (Vec<ExplainStep>, Outcome<'a>) {
        let Behaviour::Targeted(rule) = &flag.behaviour else {
            let outcome = self.evaluate(flag);
            return (vec![ExplainStep::new(0, constant(flag, outcome))], outcome);
        };
        self.begin(flag);
        let mut walk = ExplainWalk { evaluator: self, flag, steps: Vec::new() };
        let result = walk.node("", rule, 0, Asked::Value);
        let mut steps = walk.steps;
        let outcome = self.conclude(flag, result);
        let result = result.map_or_else(str::to_owned, |value| values::json(&self.arena, value));
        steps.extend(conclusion(flag, outcome, &result).map(|text| ExplainStep::new(0, text)));
        steps.extend(next_change(flag, self.timestamp).map(|text| ExplainStep::new(0, text)));
        (steps, outcome)
    }
}

/// The next change by the clock, with its moment in the time zone of the flag's file.
fn next_change(flag: &Flag, now: i64) -> Option<String> {
    let next = flag.next_change(now)?;
    Some(format!("next change: {}, {}", flag.moment(next.at)?, next.words))
}

/// Why a flag answers every context alike.
fn constant(flag: &Flag, outcome: Outcome<'_>) -> String {
    match outcome {
        Outcome::Variant { .. } => match flag.default() {
            Some(variant) => {
                format!("no targeting: everyone gets the default variant \"{}\"", variant.name())
            }
            None => String::new(),
        },
        Outcome::CodeDefault => "no targeting and no default variant: everyone gets the default \
            in the caller's code"
            .to_owned(),
        Outcome::Disabled => {
            "switched off: everyone gets the default in the caller's code".to_owned()
        }
        Outcome::Failed(_) => "the definition cannot be served: everyone gets an error".to_owned(),
    }
}

/// What became of the result of the targeting, where that does not speak for itself.
fn conclusion(flag: &Flag, outcome: Outcome<'_>, result: &str) -> Option<String> {
    Some(match outcome {
        Outcome::Variant { reason: Reason::TargetingMatch, .. } => return None,
        Outcome::Variant { .. } => {
            "the targeting results in nothing, so the default variant applies".to_owned()
        }
        Outcome::CodeDefault => "the targeting results in nothing and there is no default \
            variant, so the default in the caller's code applies"
            .to_owned(),
        Outcome::Disabled => return None,
        Outcome::Failed(Failure::Parse(why)) => format!("the targeting cannot be run: {why}"),
        Outcome::Failed(Failure::General) => {
            let names: Vec<_> = flag.variants().iter().map(Variant::name).collect();
            match names.as_slice() {
                [] => format!("the result {result} names no variant: the flag has none"),
                names => format!(
                    "the result {result} names no variant: there is \"{}\"",
                    names.join("\", \"")
                ),
            }
        }
    })
}

#[cfg(test)]
mod tests;
