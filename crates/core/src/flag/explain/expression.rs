//! A rule as a person would write it: `plan == "enterprise"`.

use super::values;
use crate::flag::{
    arena::Arena,
    boundaries::is_timestamp,
    model::Flag,
    rule::{Arguments, AttributePath, Each, Fractional, Operator, Rule, Var, operators::name_of},
};
use std::slice;

/// The longest text of a rule, in letters. Conditions of real files are far shorter. Rules share their
/// parts, so that the text of a small file could be large without a bound.
const LONGEST: usize = 16_384;

/// The text of a rule of a flag. Moments are in the time zone of the flag's file.
pub(super) fn text(flag: &Flag, rule: &Rule) -> String {
    let mut writer =
        ExpressionWriter { flag, out: String::new(), visiting: false, comparing_time: false };
    writer.rule(rule, Within::Nothing);
    let mut letters = writer.out.chars();
    let shown: String = letters.by_ref().take(LONGEST).collect();
    if letters.next().is_none() { shown } else { shown + "…" }
}

/// The path of an attribute as the rule has it.
pub(super) fn path(var: &Var) -> String {
    match &var.path {
        AttributePath::Whole => "\"\"".to_owned(),
        AttributePath::Scalar => "null".to_owned(),
        AttributePath::Parts(parts) => {
            let path = parts.iter().map(|part| &*part.name).collect::<Vec<_>>().join(".");
            let is_plain = |c: char| c.is_alphanumeric() || "_-$.".contains(c);
            if path.chars().all(is_plain) { path } else { values::quoted(&path) }
        }
    }
}

/// What a rule is written in, and so which rules need brackets there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Within {
    Nothing,
    /// `and` and `or`: they bind less than anything else, but not less than each other.
    Logic,
    Operator,
}

struct ExpressionWriter<'f> {
    flag: &'f Flag,
    out: String,
    /// Within an operator that visits elements, all of the data at hand is one of them.
    visiting: bool,
    /// Within a comparison with the timestamp, a number is a moment.
    comparing_time: bool,
}

impl ExpressionWriter<'_> {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Writes a rule, in brackets where it would be misread without.
    fn rule(&mut self, rule: &Rule, within: Within) {
        // A letter has at most four bytes.
        if self.out.len() > 4 * LONGEST {
            return;
        }
        match rule {
            Rule::Literal(literal) => {
                let value = literal.value();
                let moment = values::moment(self.flag, value).filter(|_| self.comparing_time);
                self.push(&moment.unwrap_or_else(|| values::json(&Arena::default(), value)));
            }
            Rule::List(rules) => {
                self.push("[");
                self.joined(rules, ", ", Within::Nothing);
                self.push("]");
            }
            Rule::Var(var) => self.var(var),
            Rule::ComputedVar(arguments) => self.call("var", listed(arguments)),
            Rule::If(clauses) => self.call("if", clauses),
            Rule::And(rules) => self.infix(rules, " and ", Within::Logic, within),
            Rule::Or(rules) => self.infix(rules, " or ", Within::Logic, within),
            Rule::Apply(operator, arguments) => self.apply(*operator, listed(arguments), within),
            Rule::Compare(operator, operands) => {
                let (a, b) = &**operands;
                self.comparing([a, b], |this| {
                    let right = |this: &mut Self| this.rule(b, Within::Operator);
                    this.between(a, name_of(*operator), within, right);
                });
            }
            Rule::SemVer(operands) => {
                let (actual, range, target) = &**operands;
                let target = format!("{target} (sem_ver)");
                self.between(actual, range.written(), within, |this| this.push(&target));
            }
            Rule::InSet(operands) => {
                let (needle, set) = &**operands;
                self.between(needle, "in", within, |this| this.push(&values::set(set)));
            }
            Rule::Each(each, operands) => {
                let name = match each {
                    Each::Map => "map",
                    Each::Filter => "filter",
                    Each::All => "all",
                    Each::Some => "some",
                    Each::None => "none",
                };
                self.visit(name, &operands.0, &operands.1, None);
            }
            Rule::Reduce(operands) => {
                self.visit("reduce", &operands.0, &operands.1, Some(&operands.2));
            }
            Rule::Fractional(split) => self.split(split),
            Rule::Shared(shared) => self.rule(&shared.rule, within),
            Rule::Broken(_) => self.push("a rule that cannot be run"),
        }
    }

    fn var(&mut self, var: &Var) {
        match &var.path {
            AttributePath::Whole if self.visiting => self.push("it"),
            AttributePath::Whole => self.push("the whole context"),
            AttributePath::Scalar if self.visiting => self.push("it"),
            AttributePath::Scalar => self.push("nothing"),
            AttributePath::Parts(_) => self.push(&path(var)),
        }
        if let Some(default) = &var.default {
            self.push(" (default ");
            self.rule(default, Within::Operator);
            self.push(")");
        }
    }

    fn apply(&mut self, operator: Operator, arguments: &[Rule], within: Within) {
        let name = name_of(operator);
        match (operator, arguments) {
            (Operator::Not | Operator::Truth, [only]) => {
                self.push(if operator == Operator::Not { "not " } else { "!!" });
                self.rule(only, Within::Operator);
            }
            (Operator::Subtract, [only]) => {
                self.push("-");
                self.rule(only, Within::Operator);
            }
            (
                Operator::In
                | Operator::StartsWith
                | Operator::EndsWith
                | Operator::ContainsAll
                | Operator::ContainsAny
                | Operator::ContainsNone
                | Operator::Subtract
                | Operator::Divide
                | Operator::Remainder,
                [_, _],
            )
            | (Operator::Add | Operator::Multiply, [_, _, ..])
            | (
                Operator::Less
                | Operator::LessOrEqual
                | Operator::Greater
                | Operator::GreaterOrEqual,
                [_, _, _],
            ) => self.comparing(arguments, |this| {
                this.infix(arguments, &format!(" {name} "), Within::Operator, within);
            }),
            (_, arguments) => self.call(name, arguments),
        }
    }

    fn split(&mut self, split: &Fractional) {
        self.push("fractional");
        if let Some(by) = &split.by {
            self.push(" by ");
            self.rule(by, Within::Operator);
        }
        self.push(" (");
        for (place, entry) in split.entries.iter().enumerate() {
            self.push(if place > 0 { ", " } else { "" });
            self.rule(&entry.variant, Within::Operator);
            if let Some(weight) = &entry.weight {
                self.push(" ");
                self.rule(weight, Within::Operator);
            }
        }
        self.push(")");
    }

    fn visit(&mut self, name: &str, subject: &Rule, body: &Rule, initial: Option<&Rule>) {
        self.push(name);
        self.push("(");
        self.rule(subject, Within::Nothing);
        self.push(", ");
        let visiting = std::mem::replace(&mut self.visiting, true);
        self.rule(body, Within::Nothing);
        self.visiting = visiting;
        if let Some(initial) = initial {
            self.push(", ");
            self.rule(initial, Within::Nothing);
        }
        self.push(")");
    }

    fn between(&mut self, left: &Rule, name: &str, within: Within, right: impl FnOnce(&mut Self)) {
        let brackets = within == Within::Operator;
        self.push(if brackets { "(" } else { "" });
        self.rule(left, Within::Operator);
        self.push(" ");
        self.push(name);
        self.push(" ");
        right(self);
        self.push(if brackets { ")" } else { "" });
    }

    /// Writes operands with `between` them, in brackets where `within` asks for them.
    fn infix(&mut self, rules: &[Rule], between: &str, own: Within, within: Within) {
        let brackets = rules.len() > 1 && within >= own;
        self.push(if brackets { "(" } else { "" });
        self.joined(rules, between, if rules.len() > 1 { own } else { within });
        self.push(if brackets { ")" } else { "" });
    }

    /// Writes a comparison, with numbers as moments if an operand is the timestamp.
    fn comparing<'r>(
        &mut self,
        operands: impl IntoIterator<Item = &'r Rule>,
        write: impl FnOnce(&mut Self),
    ) {
        let is_timestamp = |rule: &Rule| matches!(rule, Rule::Var(var) if is_timestamp(var));
        let is_time = operands.into_iter().any(is_timestamp);
        let outside = std::mem::replace(&mut self.comparing_time, is_time);
        write(self);
        self.comparing_time = outside;
    }

    fn call(&mut self, name: &str, arguments: &[Rule]) {
        self.push(name);
        self.push("(");
        self.joined(arguments, ", ", Within::Nothing);
        self.push(")");
    }

    fn joined(&mut self, rules: &[Rule], between: &str, within: Within) {
        for (place, rule) in rules.iter().enumerate() {
            self.push(if place > 0 { between } else { "" });
            self.rule(rule, within);
        }
    }
}

/// The arguments of an operator as a list, however written.
pub(super) fn listed(arguments: &Arguments) -> &[Rule] {
    match arguments {
        Arguments::Listed(rules) => rules,
        Arguments::Bare(rule) => slice::from_ref(rule),
    }
}
