//! The attributes a condition looks at, as they are in the context: ` (plan is "free")`.

use super::{expression, values, walk::Walk};
use crate::flag::{
    rule::{Arguments, Path, Rule, Var},
    value::{Object, Value},
};

/// A condition tells of so many attributes at most.
const MOST_ATTRIBUTES: usize = 8;

impl Walk<'_, '_, '_> {
    /// The attributes a rule looks at, as they are: ` (plan is "free")`.
    pub(super) fn attributes(&mut self, rule: &Rule) -> String {
        let mut vars = Vec::new();
        collect(rule, &mut vars);
        let mut told = Vec::new();
        for var in vars {
            let Path::Parts(parts) = &var.path else { continue };
            let steps = parts.iter().map(|part| (&*part.name, part.index));
            let found = self
                .evaluator
                .unpaid(|evaluator| evaluator.walk(Value::Object(Object::Context), steps));
            let line = match found {
                Some(value) => {
                    let value = values::json(&self.evaluator.arena, value);
                    format!("{} is {value}", expression::path(var))
                }
                None => format!("{} is missing", expression::path(var)),
            };
            if !told.contains(&line) {
                told.push(line);
            }
            if told.len() > MOST_ATTRIBUTES {
                break;
            }
        }
        if told.is_empty() {
            return String::new();
        }
        if told.len() > MOST_ATTRIBUTES {
            told.truncate(MOST_ATTRIBUTES);
            told.push("…".to_owned());
        }
        format!(" ({})", told.join(", "))
    }
}

/// The attributes of the context that a rule looks at. What operators do with each element of a
/// list is told as one.
fn collect<'r>(rule: &'r Rule, vars: &mut Vec<&'r Var>) {
    match rule {
        Rule::Literal(_) | Rule::Broken(_) => {}
        Rule::Shared(shared) => collect(&shared.rule, vars),
        Rule::Var(var) => {
            vars.push(var);
            var.default.iter().for_each(|default| collect(default, vars));
        }
        Rule::List(rules) | Rule::If(rules) | Rule::And(rules) | Rule::Or(rules) => {
            rules.iter().for_each(|rule| collect(rule, vars));
        }
        Rule::ComputedVar(arguments) | Rule::Apply(_, arguments) => match arguments {
            Arguments::Listed(rules) => rules.iter().for_each(|rule| collect(rule, vars)),
            Arguments::Bare(rule) => collect(rule, vars),
        },
        Rule::Compare(_, operands) => {
            collect(&operands.0, vars);
            collect(&operands.1, vars);
        }
        Rule::SemVer(operands) => collect(&operands.0, vars),
        Rule::InSet(operands) => collect(&operands.0, vars),
        Rule::Each(_, operands) => collect(&operands.0, vars),
        Rule::Reduce(operands) => collect(&operands.0, vars),
        Rule::Fractional(split) => split.by.iter().for_each(|by| collect(by, vars)),
    }
}
