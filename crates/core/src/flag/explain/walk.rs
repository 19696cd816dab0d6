//! The walk over a targeting: each branch and operand in order, up to the one that decided.

use super::{ExplainStep, expression, values};
use crate::flag::{
    context::Evaluator,
    evaluate::{Evaluated, Scope},
    model::Flag,
    rule::{Operator, Rule, Var},
    value::Value,
};

/// What a rule is asked for: whether it holds, or what it gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Truth,
    Value,
}

#[derive(Debug)]
pub(super) struct ExplainWalk<'w, 'a, 's> {
    pub(super) evaluator: &'w mut Evaluator<'a, 's>,
    pub(super) flag: &'a Flag,
    pub(super) steps: Vec<ExplainStep>,
}

impl<'a> ExplainWalk<'_, 'a, '_> {
    /// Tells of one rule in a line that starts with `lead`, and of its parts in lines below.
    pub(super) fn node(
        &mut self,
        lead: &str,
        rule: &'a Rule,
        depth: usize,
        asked: Asked,
    ) -> Evaluated<'a> {
        match rule {
            Rule::Shared(shared) => {
                self.evaluator.visit(1)?;
                self.node(lead, &shared.rule, depth, asked)
            }
            // Whatever it results in stands at its branch.
            Rule::If(clauses) if lead.is_empty() && asked == Asked::Value => {
                self.evaluator.visit(clauses.len())?;
                self.branches(clauses, depth)
            }
            Rule::If(clauses) => {
                self.evaluator.visit(clauses.len())?;
                let title = if lead.is_empty() { "if" } else { lead.trim_end() };
                self.parts(title, depth, asked, |walk| walk.branches(clauses, depth + 1))
            }
            Rule::And(rules) => {
                self.evaluator.visit(rules.len())?;
                self.parts(&format!("{lead}and"), depth, asked, |walk| {
                    walk.operands(rules, depth + 1, asked, false)
                })
            }
            Rule::Or(rules) => {
                self.evaluator.visit(rules.len())?;
                self.parts(&format!("{lead}or"), depth, asked, |walk| {
                    walk.operands(rules, depth + 1, asked, true)
                })
            }
            Rule::Fractional(split) => self.split(lead, split, depth, asked),
            Rule::Apply(operator @ (Operator::Not | Operator::Truth), arguments)
                if let [only] = expression::listed(arguments)
                    && has_parts(only) =>
            {
                self.evaluator.visit(1)?;
                let not = *operator == Operator::Not;
                let title = format!("{lead}{}", if not { "not" } else { "!!" });
                self.parts(&title, depth, asked, |walk| {
                    let value = walk.node("", only, depth + 1, Asked::Truth)?;
                    Ok(Value::Bool(walk.is_true(value) != not))
                })
            }
            rule => self.leaf(lead, rule, depth, asked),
        }
    }

    /// A rule whose parts are told below it, under its own outcome.
    fn parts(
        &mut self,
        title: &str,
        depth: usize,
        asked: Asked,
        inside: impl FnOnce(&mut Self) -> Evaluated<'a>,
    ) -> Evaluated<'a> {
        let place = self.reserve(depth);
        let result = inside(self);
        let answer = self.answer(asked, result);
        self.tell(place, format!("{title}: {answer}"));
        result
    }

    fn branches(&mut self, clauses: &'a [Rule], depth: usize) -> Evaluated<'a> {
        let (pairs, otherwise) = clauses.as_chunks::<2>();
        let mut decided = None;
        for (place, [condition, result]) in pairs.iter().enumerate() {
            let lead = if place == 0 { "if " } else { "else if " };
            if decided.is_some() {
                self.skip(lead, condition, depth);
                continue;
            }
            let value = self.node(lead, condition, depth, Asked::Truth)?;
            if self.is_true(value) {
                decided = Some(self.node("then ", result, depth, Asked::Value)?);
            }
        }
        match (decided, otherwise) {
            (Some(value), otherwise) => {
                otherwise.iter().for_each(|rule| self.skip("else ", rule, depth));
                Ok(value)
            }
            (None, [rule]) => self.node("else ", rule, depth, Asked::Value),
            (None, _) => {
                self.steps.push(ExplainStep::new(depth, "else nothing"));
                Ok(Value::Null)
            }
        }
    }

    /// The operands of `and` or `or`, up to the one of this truth.
    fn operands(
        &mut self,
        rules: &'a [Rule],
        depth: usize,
        asked: Asked,
        truth: bool,
    ) -> Evaluated<'a> {
        let mut last = Value::Null;
        let mut decided = false;
        for (place, rule) in rules.iter().enumerate() {
            if decided {
                self.skip("", rule, depth);
                continue;
            }
            // Only the last operand is asked for more than its truth, if it is reached.
            let asked = if place + 1 == rules.len() { asked } else { Asked::Truth };
            last = self.node("", rule, depth, asked)?;
            decided = self.is_true(last) == truth;
        }
        Ok(last)
    }

    fn leaf(&mut self, lead: &str, rule: &'a Rule, depth: usize, asked: Asked) -> Evaluated<'a> {
        let place = self.reserve(depth);
        let text = expression::text(self.flag, rule);
        let result = self.evaluator.rule(rule, &Scope::CONTEXT);
        let result = result.and_then(|value| self.evaluator.within_budget(value));
        let answer = self.answer(asked, result);
        let line = match (rule, asked) {
            (Rule::Literal(_), Asked::Value) => format!("{lead}{answer}"),
            // The value of an attribute is told once.
            (Rule::Var(Var { default: None, .. }), Asked::Value) => {
                format!("{lead}{text}: {answer}")
            }
            (Rule::Var(Var { default: None, .. }), Asked::Truth) => {
                let truth = if answer == "no" { "no" } else { "yes" };
                format!("{lead}{text}: {truth}{}", self.attributes(rule))
            }
            _ => format!("{lead}{text}: {answer}{}", self.attributes(rule)),
        };
        self.tell(place, line);
        result
    }

    fn skip(&mut self, lead: &str, rule: &Rule, depth: usize) {
        let text = format!("{lead}{}: not looked at", expression::text(self.flag, rule));
        self.steps.push(ExplainStep::new(depth, text));
    }

    /// Keeps a line for what is only known after those below it.
    pub(super) fn reserve(&mut self, depth: usize) -> usize {
        self.steps.push(ExplainStep::new(depth, ""));
        self.steps.len() - 1
    }

    pub(super) fn tell(&mut self, place: usize, text: String) {
        if let Some(step) = self.steps.get_mut(place) {
            step.text = text;
        }
    }

    pub(super) fn is_true(&self, value: Value<'a>) -> bool {
        value.is_true(&self.evaluator.arena)
    }

    pub(super) fn json(&self, value: Value<'a>) -> String {
        values::json(&self.evaluator.arena, value)
    }

    /// What came of a rule, as the answer to what it was asked for.
    pub(super) fn answer(&self, asked: Asked, result: Evaluated<'a>) -> String {
        let Ok(value) = result else { return "fails".to_owned() };
        match (asked, value) {
            (Asked::Truth, Value::Bool(true)) => "yes".to_owned(),
            (Asked::Truth, value) if self.is_true(value) => format!("yes, {}", self.json(value)),
            (Asked::Truth, _) => "no".to_owned(),
            (Asked::Value, Value::Null) => "nothing".to_owned(),
            (Asked::Value, value) => self.json(value),
        }
    }
}

/// Whether a rule is told in several lines.
fn has_parts(rule: &Rule) -> bool {
    matches!(rule.resolved(), Rule::If(_) | Rule::And(_) | Rule::Or(_) | Rule::Fractional(_))
}
