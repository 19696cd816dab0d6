//! Rollouts: a share of the units, which may grow by a plan.
//!
//! All steps are one split: whoever is in at 5 % is in at 25 %, and going back takes out exactly
//! the last who came in.

use super::{node::Node, share::Share, variants::Variants};
use crate::{diagnostic::problems::Problems, document::json::Json, readable::clock::Clock};

/// A share of the units gets a variant.
#[derive(Debug)]
pub(super) struct Rollout {
    pub(super) serve: String,
    /// In the order of time; what has no moment holds from the beginning.
    pub(super) steps: Vec<(Option<i64>, Share)>,
    pub(super) held: Option<HeldStep>,
}

/// What a rollout would do that is held.
#[derive(Debug, Clone)]
pub struct HeldStep {
    pub at: Share,
    pub steps: Vec<(Option<i64>, Share)>,
}

/// The members of a rollout that is written out.
const KNOWN: [&str; 2] = ["serve", "to"];

/// Each is a condition that clients evaluate.
const MOST_STEPS: usize = 100;

const SHAPE: &str = "write such as 5%, or a list of steps: - 5% from 2026-12-03 09:00";

impl Rollout {
    /// Reads `5%`, a list of steps, or `{ serve: VARIANT, to: 5% or steps }`.
    pub(super) fn read(
        node: &Node<'_>,
        variants: &Variants,
        clock: &Clock,
        found: &mut Problems,
    ) -> Option<Self> {
        let (serve, to) = match node.value {
            Json::Object(_) => {
                node.object(&KNOWN, "a rollout", found)?;
                let Some(to) = node.member("to") else {
                    found.push(node.error("does not say \"to\" how many", SHAPE));
                    return None;
                };
                let serve = node.member("serve").map(|serve| variants.named(&serve, found));
                (serve, to)
            }
            _ => (None, node.clone()),
        };
        let serve = match serve {
            Some(serve) => serve?,
            None => variants.meaning(true).or_else(|| {
                let help = "write rollout: { serve: VARIANT, to: 5% }";
                found.push(node.error("does not say which variant it serves", help));
                None
            })?,
        };
        let steps = match to.value {
            Json::Array(_) => steps(&to, clock, found)?,
            _ => vec![(None, Share::read(&to, found)?)],
        };
        Some(Self { serve, steps, held: None })
    }

    /// Freezes it: the plan stays, and nobody beyond this share is in.
    pub(super) fn hold_at(&mut self, most: Share) {
        self.held = Some(HeldStep { at: most, steps: self.steps.clone() });
        for (_, share) in &mut self.steps {
            *share = (*share).min(most);
        }
        self.steps.dedup_by_key(|(_, share)| *share);
    }
}

fn steps(
    node: &Node<'_>,
    clock: &Clock,
    found: &mut Problems,
) -> Option<Vec<(Option<i64>, Share)>> {
    let mut steps: Vec<(Option<i64>, Share)> = Vec::new();
    for element in node.elements() {
        let step = step(&element, clock, found)?;
        if let Some((before, share)) = steps.last() {
            if step.0.is_none() || step.0 <= *before {
                let message = "does not begin after the step before it";
                let help = "give each step after the first a later moment: 5% from 2026-12-03";
                found.push(element.error(message, help));
                return None;
            }
            if step.1 < *share {
                let message = format!("goes back from {share} to {}", step.1);
                let help = "to go back for a while, write hold_at and keep the plan";
                found.push(element.warning(message, help));
            }
        }
        steps.push(step);
    }
    if steps.len() > MOST_STEPS {
        let message = format!("has {} steps, more than {MOST_STEPS}", steps.len());
        found.push(node.error(message, "take fewer, larger ones"));
        return None;
    }
    if steps.is_empty() {
        found.push(node.error("has no steps", SHAPE));
        return None;
    }
    Some(steps)
}

/// `5% from 2026-12-03 09:00`; the first step may have no beginning.
fn step(node: &Node<'_>, clock: &Clock, found: &mut Problems) -> Option<(Option<i64>, Share)> {
    let text = node.text("a step", found)?;
    let (share, from) = match text.split_once(" from ") {
        Some((share, from)) => (share, Some(from)),
        None => (text.as_str(), None),
    };
    let share = match Share::parse(share) {
        Ok(share) => share,
        Err(message) => {
            let written = share.trim();
            let help = match written.split_once('%') {
                Some((share, from)) if !from.is_empty() => {
                    format!("write {share}% from {}", from.trim())
                }
                _ => SHAPE.to_owned(),
            };
            found.push(node.error(format!("\"{written}\" {message}"), help));
            return None;
        }
    };
    let from = from.map(|from| clock.parse(from, node, found));
    Some((if let Some(from) = from { Some(from?) } else { None }, share))
}
