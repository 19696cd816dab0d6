//! A rule that several rules refer to: compiled once, with the facts that walks would look for.

use super::Rule;
use crate::flag::{boundaries, split_summary};
use std::sync::Arc;

/// An evaluator, compiled once for every flag of its file.
///
/// Walks over rules read the facts here and do not walk the rule again for each reference.
#[derive(Debug)]
pub struct SharedRule {
    pub(crate) rule: Rule,
    pub size: RuleSize,
    /// Whether it holds a split.
    pub(crate) has_split: bool,
    /// Whether it reads `$flagd.timestamp`.
    pub(crate) reads_time: bool,
    /// Its result as a condition if that is constant and does not depend on the time.
    pub(crate) decided: Option<bool>,
    /// The moments at which its comparisons change, in order.
    pub(crate) boundaries: Arc<[i64]>,
}

/// The size of a rule with every reference expanded. Sums saturate.
#[derive(Debug, Clone, Copy, Default)]
pub struct RuleSize {
    /// Operations and lists that hold rules.
    pub(crate) nodes: usize,
    /// The same and every literal.
    pub parts: usize,
    /// Levels of nesting.
    pub(crate) depth: usize,
}

impl SharedRule {
    pub(crate) fn new(rule: Rule, size: RuleSize) -> Self {
        let reads_time = boundaries::reads_time(&rule);
        Self {
            size,
            has_split: split_summary::is_in(&rule),
            reads_time,
            decided: if reads_time { None } else { boundaries::decided(&rule, 0) },
            boundaries: boundaries::all_of(&rule).into(),
            rule,
        }
    }
}

impl Rule {
    /// The rule itself, whichever reference leads to it.
    pub(crate) fn resolved(&self) -> &Self {
        let mut rule = self;
        while let Self::Shared(shared) = rule {
            rule = &shared.rule;
        }
        rule
    }
}
