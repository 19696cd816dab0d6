//! The moments at which a flag may answer differently although nobody changed it.
//!
//! A rule asks for the hour by comparing `$flagd.timestamp` with a number that is written out.
//! What it computes of the timestamp instead is not looked into.

use super::{
    context::FLAGD,
    rule::{Arguments, AttributePath, Each, Literal, Operator, Rule, Var},
};
use crate::{
    document::number,
    flag::model::{Behaviour, Flag},
};
use std::{ops::Range, sync::Arc};

/// Beyond this, seconds are not told apart by a rule's numbers.
const LAST: f64 = 9_007_199_254_740_992.0;

impl Flag {
    /// The moments in Unix seconds at which a comparison of its rule comes out differently than a
    /// second before, in their order. A rule has at most 10 000 parts, and so has this.
    pub fn boundaries(&self) -> Vec<i64> {
        let mut all: Vec<_> =
            self.boundaries.iter().flat_map(|some| some.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether its rule reads the timestamp at all, to compare it or to compute with it.
    pub fn asks_the_time(&self) -> bool {
        matches!(&self.behaviour, Behaviour::Targeted(rule) if reads_time(rule))
    }

    /// The moments around this one between which all comparisons come out alike.
    pub fn holds(&self, at: i64) -> Range<i64> {
        let mut holds = i64::MIN..i64::MAX;
        for boundaries in &self.boundaries {
            let passed = boundaries.partition_point(|boundary| *boundary <= at);
            let last = passed.checked_sub(1).and_then(|last| boundaries.get(last));
            let next = boundaries.get(passed);
            holds.start = holds.start.max(last.copied().unwrap_or(i64::MIN));
            holds.end = holds.end.min(next.copied().unwrap_or(i64::MAX));
        }
        holds
    }
}

/// Whether a rule reads the timestamp.
pub(super) fn reads_time(rule: &Rule) -> bool {
    let mut reads = match rule {
        Rule::Shared(shared) => return shared.reads_time,
        Rule::Var(var) => match &var.path {
            AttributePath::Parts(parts) => match &**parts {
                [one] => &*one.name == FLAGD,
                _ => is_timestamp(var),
            },
            AttributePath::Whole | AttributePath::Scalar => false,
        },
        _ => false,
    };
    rule.parts(&mut |part| reads = reads || reads_time(part));
    reads
}

/// The boundaries of a rule: its own first, then those of each rule that it shares with others,
/// which are not copied.
pub(crate) fn of(rule: &Rule) -> Box<[Arc<[i64]>]> {
    let found = FoundBoundaries::of(rule);
    let mut all = Vec::with_capacity(found.shared.len() + 1);
    if !found.own.is_empty() {
        all.push(found.own.into());
    }
    all.extend(found.shared.into_iter().map(Arc::clone));
    all.into()
}

/// The boundaries of a rule, shared rules included, in their order.
pub(super) fn all_of(rule: &Rule) -> Vec<i64> {
    let mut found = FoundBoundaries::of(rule);
    found.own.extend(found.shared.iter().flat_map(|shared| shared.iter()));
    found.own.sort_unstable();
    found.own.dedup();
    found.own
}

/// What a walk over a rule has found.
#[derive(Default)]
struct FoundBoundaries<'r> {
    own: Vec<i64>,
    shared: Vec<&'r Arc<[i64]>>,
}

impl<'r> FoundBoundaries<'r> {
    fn of(rule: &'r Rule) -> Self {
        let mut found = Self::default();
        collect(rule, &mut found);
        found.own.sort_unstable();
        found.own.dedup();
        found.shared.sort_unstable_by_key(|shared| shared.as_ptr());
        found.shared.dedup_by_key(|shared| shared.as_ptr());
        found
    }
}

fn collect<'r>(rule: &'r Rule, found: &mut FoundBoundaries<'r>) {
    match rule {
        Rule::Shared(shared) if shared.boundaries.is_empty() => {}
        Rule::Shared(shared) => found.shared.push(&shared.boundaries),
        // In there only the elements of the list can be seen.
        Rule::Each(Each::Map | Each::All, operands) => collect(&operands.0, found),
        Rule::Reduce(operands) => {
            collect(&operands.0, found);
            collect(&operands.2, found);
        }
        _ => {
            found.own.extend(comparisons(rule).flatten().flat_map(Comparison::boundaries));
            rule.parts(&mut |part| collect(part, found));
        }
    }
}

/// What a condition comes to at a moment, if that depends on nothing else.
pub(super) fn decided(condition: &Rule, at: i64) -> Option<bool> {
    match condition {
        Rule::Shared(shared) if !shared.reads_time => shared.decided,
        Rule::Shared(shared) => decided(&shared.rule, at),
        Rule::Literal(Literal::Bool(bit)) => Some(*bit),
        Rule::And(rules) => all(rules.iter().map(|rule| decided(rule, at))),
        Rule::Or(rules) => {
            all(rules.iter().map(|rule| decided(rule, at).map(|bit| !bit))).map(|bit| !bit)
        }
        Rule::Apply(operator @ (Operator::Not | Operator::Truth), arguments) => {
            let operand = match arguments {
                Arguments::Listed(rules) => rules.first()?,
                Arguments::Bare(rule) => rule,
            };
            decided(operand, at).map(|bit| bit == (*operator == Operator::Truth))
        }
        _ => all(comparisons(condition).map(|found| found.map(|found| found.holds_at(at)))),
    }
}

/// Whether all of these hold; one that does not decides whatever the others are. Of none nothing is
/// known.
fn all(bits: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    bits.reduce(|one, other| match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    })
    .flatten()
}

/// The comparisons that a rule makes of its operands, all of which have to hold; `None` for one
/// that is not of the timestamp with a number.
fn comparisons(rule: &Rule) -> impl Iterator<Item = Option<Comparison>> {
    let pairs = match rule {
        Rule::Compare(operator, operands) => [Some((*operator, &operands.0, &operands.1)), None],
        Rule::Apply(operator, Arguments::Listed(rules)) if operator.compares() => match &**rules {
            [a, b, c] if operator.orders() => [Some((*operator, a, b)), Some((*operator, b, c))],
            [a, b, ..] => [Some((*operator, a, b)), None],
            _ => [None, None],
        },
        _ => [None, None],
    };
    pairs.into_iter().flatten().map(|(operator, a, b)| Comparison::of(operator, a, b))
}

/// A comparison of the timestamp, on the left, with a number.
#[derive(Debug, Clone, Copy)]
struct Comparison {
    operator: Operator,
    number: f64,
}

impl Comparison {
    fn of(operator: Operator, a: &Rule, b: &Rule) -> Option<Self> {
        let (operator, literal) = match (a.resolved(), b.resolved()) {
            (Rule::Var(var), Rule::Literal(literal)) if is_timestamp(var) => (operator, literal),
            (Rule::Literal(literal), Rule::Var(var)) if is_timestamp(var) => {
                (operator.turned(), literal)
            }
            _ => return None,
        };
        let strict = matches!(operator, Operator::StrictEqual | Operator::StrictNotEqual);
        let number = match literal {
            Literal::Number(number) => *number,
            Literal::String(text) if !strict => number::parse_comparable(text),
            _ => return None,
        };
        Some(Self { operator, number })
    }

    fn holds_at(self, at: i64) -> bool {
        let (at, number) = (at as f64, self.number);
        match self.operator {
            Operator::Less => at < number,
            Operator::LessOrEqual => at <= number,
            Operator::Greater => at > number,
            Operator::GreaterOrEqual => at >= number,
            Operator::Equal | Operator::StrictEqual => at == number,
            _ => at != number,
        }
    }

    /// Where it comes out differently than a second before.
    fn boundaries(self) -> impl Iterator<Item = i64> {
        let around = [self.number.ceil(), self.number.floor() + 1.0];
        let seconds =
            around.into_iter().filter(|at| (1.0..LAST).contains(at)).map(number::truncate);
        seconds.filter(move |at| self.holds_at(*at) != self.holds_at(at - 1))
    }
}

/// Whether a variable is the moment of the evaluation, which nobody can take away.
pub(super) fn is_timestamp(var: &Var) -> bool {
    match &var.path {
        AttributePath::Parts(parts) => {
            parts.iter().map(|part| &*part.name).eq([FLAGD, "timestamp"])
        }
        AttributePath::Whole | AttributePath::Scalar => false,
    }
}

#[cfg(test)]
mod tests;
