//! The split that decides a flag at a moment, as people look at it: who shall get how much.

use super::{
    boundaries,
    rule::{Fractional, FractionalEntry, Literal, Rule},
};
use crate::flag::model::{Behaviour, Flag, Variant};

/// The shares of a split, by variant name.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    shares: Box<[(Box<str>, u32)]>,
}

/// What a rule may come to at a moment.
#[derive(Debug, Default)]
struct InForce<'r> {
    splits: Vec<&'r Fractional>,
    /// Results that are there because of the hour; null is the default variant.
    results: Vec<&'r Literal>,
}

impl Flag {
    /// The split at a moment, if exactly one decides and names its variants and weights outright.
    /// Before a rollout and after it, that is everybody or nobody.
    pub fn split_at(&self, at: i64) -> Option<Split> {
        let Behaviour::Targeted(rule) = &self.behaviour else { return None };
        let in_force = InForce::of(rule, at);
        match in_force.splits.as_slice() {
            [split] => Split::of(split),
            [] => {
                let variant = self.variant_of(&in_force)?;
                let mut splits = Vec::new();
                collect(rule, &mut splits);
                let mut shares: Vec<(Box<str>, u32)> = Vec::new();
                for (name, _) in splits.into_iter().filter_map(Split::of).flat_map(|of| of.shares) {
                    if shares.iter().all(|(known, _)| *known != name) {
                        let weight = u32::from(*name == *variant);
                        shares.push((name, weight));
                    }
                }
                if !shares.is_empty() && shares.iter().all(|(_, weight)| *weight == 0) {
                    shares.push((variant.into(), 1));
                }
                (!shares.is_empty()).then(|| Split { shares: shares.into() })
            }
            _ => None,
        }
    }

    /// The variant that the hour alone has chosen for whoever comes so far.
    pub(crate) fn variant_at(&self, at: i64) -> Option<&str> {
        let Behaviour::Targeted(rule) = &self.behaviour else { return None };
        let in_force = InForce::of(rule, at);
        if in_force.splits.is_empty() { self.variant_of(&in_force) } else { None }
    }

    fn variant_of<'f>(&'f self, in_force: &InForce<'f>) -> Option<&'f str> {
        let [result] = in_force.results.as_slice() else { return None };
        match result {
            Literal::Null => self.default().map(Variant::name),
            result => name(result),
        }
    }
}

impl<'r> InForce<'r> {
    fn of(rule: &'r Rule, at: i64) -> Self {
        let mut in_force = Self::default();
        in_force.add(rule, at, false);
        in_force
    }

    /// Adds what a rule may come to; `by_clock` if the hour alone has led to it.
    fn add(&mut self, rule: &'r Rule, at: i64, by_clock: bool) {
        match rule.resolved() {
            Rule::Literal(literal) if by_clock => self.results.push(literal),
            Rule::If(clauses) => {
                let (pairs, otherwise) = clauses.as_chunks::<2>();
                let (mut by_clock, mut by_context) = (by_clock, false);
                for [condition, result] in pairs {
                    let decided = boundaries::decided(condition, at);
                    by_context |= decided.is_none();
                    by_clock |= decided.is_some();
                    match decided {
                        Some(true) => return self.add(result, at, by_clock && !by_context),
                        Some(false) => {}
                        None => {
                            collect(condition, &mut self.splits);
                            self.add(result, at, false);
                        }
                    }
                }
                let null = &Rule::Literal(Literal::Null);
                self.add(otherwise.first().unwrap_or(null), at, by_clock && !by_context);
            }
            rule => collect(rule, &mut self.splits),
        }
    }
}

impl Split {
    fn of(split: &Fractional) -> Option<Self> {
        let weights = literal_weights(&split.entries)?;
        let shares = split.entries.iter().zip(weights).map(|(entry, weight)| {
            let Rule::Literal(variant) = entry.variant.resolved() else { return None };
            Some((name(variant)?.into(), weight))
        });
        Some(Self { shares: shares.collect::<Option<_>>()? })
    }

    /// The share of each variant.
    pub fn ratios(&self) -> Vec<(&str, f64)> {
        let mut ratios: Vec<(&str, f64)> = Vec::new();
        for (name, _) in &self.shares {
            // A variant may have several shares.
            if ratios.iter().all(|(known, _)| *known != &**name) {
                ratios.push((name, self.ratio(name)));
            }
        }
        ratios
    }

    /// The share of one variant, of 1.
    pub fn ratio(&self, variant: &str) -> f64 {
        let of = |(_, weight): &(Box<str>, u32)| u64::from(*weight);
        let total: u64 = self.shares.iter().map(of).sum();
        let its_own = self.shares.iter().filter(|(name, _)| &**name == variant);
        let weight: u64 = its_own.map(of).sum();
        if total == 0 { 0.0 } else { weight as f64 / total as f64 }
    }
}

/// The variant that a literal names.
fn name(literal: &Literal) -> Option<&str> {
    match literal {
        Literal::String(name) => Some(name),
        Literal::Bool(true) => Some("true"),
        Literal::Bool(false) => Some("false"),
        _ => None,
    }
}

/// The weights, if all of them are written out and make sense.
pub(crate) fn literal_weights(entries: &[FractionalEntry]) -> Option<Vec<u32>> {
    entries
        .iter()
        .map(|entry| match entry.weight.as_ref().map(Rule::resolved) {
            None | Some(Rule::Literal(Literal::Null)) => Some(1),
            Some(Rule::Literal(Literal::Number(weight))) if weight.trunc() == *weight => {
                // Saturates: a negative weight counts as 0, one too large fails the split anyway.
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "saturation is meant"
                )]
                Some(*weight as u32)
            }
            Some(_) => None,
        })
        .collect()
}

/// Whether there is a split in a rule.
pub(crate) fn is_in(rule: &Rule) -> bool {
    match rule {
        Rule::Fractional(_) => true,
        Rule::Shared(shared) => shared.has_split,
        rule => {
            let mut is_in_a_part = false;
            rule.parts(&mut |part| is_in_a_part = is_in_a_part || is_in(part));
            is_in_a_part
        }
    }
}

fn collect<'r>(rule: &'r Rule, splits: &mut Vec<&'r Fractional>) {
    match rule {
        Rule::Fractional(split) => splits.push(split),
        Rule::Shared(shared) if !shared.has_split => return,
        _ => {}
    }
    rule.parts(&mut |part| collect(part, splits));
}

#[cfg(test)]
mod tests;
