//! What one evaluation may cost: time, charged before it is spent.
//!
//! A unit is one or two nanoseconds of one core. Every operation that a context or a rule can make
//! longer (a search, a copy, a hash, a decoded element) asks for its price first. Once an
//! evaluation cannot pay, it does no further work and its outcome is an error, whatever the
//! operations under way still return.
//!
//! The prices are upper bounds that were measured (`tests/worst.rs`), so the sum bounds the time.

use std::cell::Cell;

/// What one evaluation may cost, in units.
pub(crate) const MAX_COST: usize = 5_000_000;

/// The price of visiting one node of a rule.
pub(crate) const NODE: usize = 8;

/// Texts up to this length are compared within the price of a node or an element.
const SHORT: usize = 64;

/// An evaluation visits at most this many list elements with a rule, and at most this many
/// defaults of attributes.
const MAX_STEPS: u32 = 100_000;

/// The error of an evaluation that costs too much.
const TOO_LONG: &str = "the rule takes too many steps";

/// The error of an evaluation that holds too much.
const TOO_LARGE: &str = "the rule makes too many list elements or too much text";

/// The rest of what an evaluation may cost.
#[derive(Debug)]
pub(crate) struct EvaluationBudget {
    /// 0 once it is exhausted.
    left: Cell<usize>,
    steps: Cell<u32>,
    is_too_large: Cell<bool>,
}

impl Default for EvaluationBudget {
    fn default() -> Self {
        let (left, steps) = (Cell::new(MAX_COST), Cell::new(MAX_STEPS));
        Self { left, steps, is_too_large: Cell::new(false) }
    }
}

impl EvaluationBudget {
    /// Charges a cost. If it returns false, the caller must not do the work.
    #[inline]
    pub(crate) fn affords(&self, cost: usize) -> bool {
        let left = self.left.get().saturating_sub(cost);
        self.left.set(left);
        left > 0
    }

    /// Charges one element that a rule is run for.
    pub(crate) fn affords_step(&self) -> bool {
        let steps = self.steps.get();
        self.steps.set(steps.saturating_sub(1));
        if steps == 0 {
            self.left.set(0);
        }
        steps > 0 && self.left.get() > 0
    }

    /// Ends the evaluation because a buffer is full.
    #[cold]
    pub(crate) fn overflow(&self) {
        if !self.is_exhausted() {
            self.is_too_large.set(true);
            self.left.set(0);
        }
    }

    #[inline]
    pub(crate) fn is_exhausted(&self) -> bool {
        self.left.get() == 0
    }

    /// Why an exhausted evaluation has no outcome.
    #[cold]
    pub(crate) fn why(&self) -> &'static str {
        if self.is_too_large.get() { TOO_LARGE } else { TOO_LONG }
    }

    /// The units charged so far.
    pub(crate) fn cost(&self) -> usize {
        MAX_COST - self.left.get()
    }

    /// Whether two texts are the same.
    #[inline]
    pub(crate) fn is_same(&self, a: &str, b: &str) -> bool {
        a.len() == b.len() && (a.len() <= SHORT || self.affords(a.len() / 8)) && a == b
    }

    /// Whether one text sorts before another.
    pub(crate) fn is_before(&self, a: &str, b: &str) -> bool {
        self.affords(a.len().min(b.len()) / 8 + 1) && a < b
    }

    /// Whether the text contains the needle. The search is linear at worst, in both lengths.
    pub(crate) fn contains(&self, text: &str, needle: &str) -> bool {
        let cost = text.len().saturating_add(needle.len()).saturating_mul(5) / 2;
        self.affords(cost) && text.contains(needle)
    }

    /// Charges for reading a text as a number. Beyond nineteen digits the exact value may take a
    /// decimal of several hundred digits, which is slow.
    pub(crate) fn affords_number(&self, text: &str) -> bool {
        let slow = if text.len() > 19 { 20 * text.len().min(200) } else { 64 };
        self.affords(text.len().saturating_add(slow))
    }
}
