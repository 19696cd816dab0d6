//! From a flag and a context to an answer: the resolution order of flagd's contract.
//!
//! Evaluating is total. Whatever can go wrong was found by `compile` or is an [`Outcome`].

mod arithmetic;
mod cbor;
mod compare;
pub(crate) mod fractional;
mod list;
mod lookup;
mod operation;
mod outcome;
mod result;
mod text;

pub(crate) use fractional::Draw;
pub(crate) use lookup::index;
pub use outcome::{By, Failure, Outcome, Reason};

use super::{
    budget::NODE,
    context::{EvaluationState, Evaluator},
    rule::Rule,
    value::{Object, Value},
};
use crate::flag::model::{Behaviour, Flag};

/// The data a rule looks at: the context or, within a list operator, an element.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'s, 'a> {
    data: Value<'a>,
    /// Data further out that attributes are looked up in first (see [`lookup`]).
    outer: Option<&'s Self>,
}

impl<'a> Scope<'_, 'a> {
    /// What a targeting looks at: the context, and nothing around it.
    pub(crate) const CONTEXT: Self = Self { data: Value::Object(Object::Context), outer: None };
}

/// A rule that failed, and why.
pub(crate) type Evaluated<'a> = Result<Value<'a>, &'a str>;

impl<'a> Evaluator<'a, '_> {
    /// Answers for one flag.
    pub fn evaluate(&mut self, flag: &'a Flag) -> Outcome<'a> {
        let Behaviour::Targeted(rule) = &flag.behaviour else {
            return flag.constant().unwrap_or(Outcome::CodeDefault);
        };
        self.begin(flag);
        let result = self.rule(rule, &Scope::CONTEXT);
        self.conclude(flag, result)
    }

    /// Forgets what ran before.
    pub(crate) fn begin(&mut self, flag: &'a Flag) {
        self.arena.clear();
        self.key = flag.key();
        self.state = EvaluationState::default();
    }

    /// Whether a split of the targeting run last had nobody to bucket, for want of a targeting key.
    pub fn lacks_targeting_key(&self) -> bool {
        self.state.lacks_targeting_key
    }

    /// Runs one node of a rule. The nodes that most rules consist of are compiled into this function;
    /// the others are calls, so that their variables take no room in its frame.
    pub(crate) fn rule(&mut self, rule: &'a Rule, scope: &Scope<'_, 'a>) -> Evaluated<'a> {
        match rule {
            Rule::Literal(literal) => Ok(literal.value()),
            Rule::Var(var) => self.var(var, scope),
            Rule::If(clauses) => {
                self.visit(clauses.len())?;
                self.conditional(clauses, scope)
            }
            Rule::And(rules) => {
                self.visit(rules.len())?;
                self.deciding(rules, scope, false)
            }
            Rule::Or(rules) => {
                self.visit(rules.len())?;
                self.deciding(rules, scope, true)
            }
            Rule::Compare(operator, operands) => {
                self.visit(2)?;
                let (a, b) = &**operands;
                let (a, b) = (self.operand(a, scope)?, self.operand(b, scope)?);
                Ok(Value::Bool(self.compares(*operator, Some(&a), Some(&b))))
            }
            Rule::SemVer(operands) => {
                self.visit(1)?;
                let (actual, range, target) = &**operands;
                let actual = self.operand(actual, scope)?;
                Ok(self.version_in(actual, *range, target))
            }
            Rule::InSet(in_set) => {
                self.visit(1)?;
                let (needle, set) = &**in_set;
                let needle = self.operand(needle, scope)?;
                Ok(Value::Bool(self.in_set(needle, set)))
            }
            Rule::Shared(shared) => {
                self.visit(1)?;
                self.rule(&shared.rule, scope)
            }
            Rule::Broken(why) => Err(why),
            Rule::List(rules) => self.list(rules, scope),
            Rule::ComputedVar(arguments) => self.computed_var(arguments, scope),
            Rule::Apply(operator, arguments) => self.operation(*operator, arguments, scope),
            Rule::Each(each, operands) => self.each(*each, operands, scope),
            Rule::Reduce(operands) => self.reduce(operands, scope),
            Rule::Fractional(fractional) => self.fractional(fractional, scope),
        }
    }

    /// Runs an operand. Most are a literal or an attribute, which need no call.
    #[inline]
    pub(super) fn operand(&mut self, rule: &'a Rule, scope: &Scope<'_, 'a>) -> Evaluated<'a> {
        match rule {
            Rule::Literal(literal) => Ok(literal.value()),
            Rule::Var(var) => self.var(var, scope),
            rule => self.rule(rule, scope),
        }
    }

    fn conditional(&mut self, clauses: &'a [Rule], scope: &Scope<'_, 'a>) -> Evaluated<'a> {
        let (pairs, otherwise) = clauses.as_chunks::<2>();
        for [condition, result] in pairs {
            if self.rule(condition, scope)?.is_true(&self.arena) {
                return self.rule(result, scope);
            }
        }
        match otherwise {
            [rule] => self.rule(rule, scope),
            _ => Ok(Value::Null),
        }
    }

    /// `and` and `or`: the first operand that decides, or the last.
    fn deciding(&mut self, rules: &'a [Rule], scope: &Scope<'_, 'a>, truth: bool) -> Evaluated<'a> {
        let mut last = Value::Null;
        for rule in rules {
            last = self.rule(rule, scope)?;
            if last.is_true(&self.arena) == truth {
                break;
            }
        }
        Ok(last)
    }

    /// Charges for a rule with so many parts. A part that is a literal costs nothing itself, and an
    /// attribute is charged where it is looked up.
    #[inline]
    pub(crate) fn visit(&self, parts: usize) -> Result<(), &'a str> {
        if self.arena.budget.affords(NODE * (parts + 1)) {
            Ok(())
        } else {
            Err(self.arena.budget.why())
        }
    }

    /// The value, unless it is void because the budget was exhausted on the way to it.
    #[inline]
    pub(crate) fn within_budget(&self, value: Value<'a>) -> Evaluated<'a> {
        if self.arena.budget.is_exhausted() { Err(self.arena.budget.why()) } else { Ok(value) }
    }
}
