//! The attributes a condition looks at, as they are in the context: ` (plan is "free")`.

use super::{expression, values, walk::ExplainWalk};
use crate::flag::{
    boundaries::is_timestamp,
    context::Evaluator,
    model::Flag,
    rule::{Arguments, AttributePath, Operator, PathPart, Rule, Var},
    value::{Object, Value},
    version::{self, Version},
};

/// Longer paths get no hint.
const MOST_STEPS: usize = 32;

/// A longer condition names only its first attributes.
const MOST_ATTRIBUTES: usize = 100;

impl ExplainWalk<'_, '_, '_> {
    /// The attributes that a rule reads, with their values: ` (plan is "free")`.
    pub(super) fn attributes(&mut self, rule: &Rule) -> String {
        let mut vars = Vec::new();
        collect(rule, &mut vars);
        let versions = is_sem_ver(rule);
        let mut told = Vec::new();
        for var in vars {
            let AttributePath::Parts(parts) = &var.path else { continue };
            let reader = AttributeReader { flag: self.flag, versions };
            let line = self.evaluator.unpaid(|evaluator| reader.line(evaluator, var, parts));
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

/// Writes the value of an attribute.
struct AttributeReader<'f> {
    flag: &'f Flag,
    /// The rule compares versions.
    versions: bool,
}

impl AttributeReader<'_> {
    fn line(&self, evaluator: &Evaluator<'_, '_>, var: &Var, parts: &[PathPart]) -> String {
        let path = expression::path(var);
        let Some(value) = walk_context(evaluator, parts) else {
            return format!("{path} is missing{}", flat_attribute(evaluator, parts));
        };
        let arena = &evaluator.arena;
        let moment = values::moment(self.flag, value).filter(|_| is_timestamp(var));
        let text = moment.unwrap_or_else(|| values::json(arena, value));
        let is_version = match value {
            Value::String(text) => Version::parse(arena.str(text)).is_some(),
            Value::Number(number) => version::is_version_number(number),
            _ => false,
        };
        let not = if self.versions && !is_version { ", which is not a version" } else { "" };
        format!("{path} is {text}{not}")
    }
}

/// The value under a path; the whole context under an empty one.
fn walk_context<'a>(evaluator: &Evaluator<'a, '_>, parts: &[PathPart]) -> Option<Value<'a>> {
    let context = Value::Object(Object::Context);
    if parts.is_empty() {
        return Some(context);
    }
    evaluator.walk(context, parts.iter().map(|part| (&*part.name, part.index)))
}

/// A hint for a path that is missing while one attribute has several of its steps as its name:
/// `user.plan` reads `plan` inside of `user`, never an attribute `user.plan`.
fn flat_attribute(evaluator: &Evaluator<'_, '_>, parts: &[PathPart]) -> String {
    if parts.len() > MOST_STEPS {
        return String::new();
    }
    for from in 0..parts.len() {
        let (above, below) = parts.split_at(from);
        let Some(Value::Object(object)) = walk_context(evaluator, above) else { break };
        for to in (2..=below.len()).rev() {
            let steps: Vec<_> = below.iter().take(to).map(|part| &*part.name).collect();
            let name = steps.join(".");
            if evaluator.attribute(object, &name).is_some() {
                let name = values::quoted(&name);
                let nested: String =
                    steps.iter().map(|step| format!("{{{}: ", values::quoted(step))).collect();
                let end = "}".repeat(steps.len());
                return format!("; the flat attribute {name} is not read: nest it, {nested}…{end}");
            }
        }
    }
    String::new()
}

/// Whether a rule compares versions.
fn is_sem_ver(rule: &Rule) -> bool {
    matches!(rule, Rule::SemVer(_) | Rule::Apply(Operator::SemVer, _))
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
