//! Operators of a rule as written: each with its operands.

use super::{
    fractional,
    rule::{CompiledRule, RuleCompiler, holds_rule},
    set,
};
use crate::{
    diagnostic::suggest::suggest,
    document::json::{Json, JsonList, encode_list},
    flag::{
        rule::{
            Arguments, Each, Literal, Operator, Rule,
            operators::{
                called_otherwise, each_named, is_lazy, operator_named, operator_names, takes_one,
            },
        },
        version::{OwnedVersion, Range},
    },
};
use std::mem::size_of;

impl<'e> RuleCompiler<'e, '_> {
    pub(super) fn operation(&mut self, name: &str, argument: Json<'e>) -> CompiledRule {
        let listed = argument.as_array();
        match (name, listed) {
            ("var", _) => self.var(argument),
            ("if" | "?:", Some(clauses)) => Ok(Rule::If(self.all(clauses)?)),
            ("and", Some(rules)) => Ok(Rule::And(self.all(rules)?)),
            ("or", Some(rules)) => Ok(Rule::Or(self.all(rules)?)),
            ("fractional", _) => fractional::compile(self, argument),
            ("in", Some(operands))
                if let [Some(needle), Some(haystack @ Json::Array(elements))] =
                    operands.first()
                    && !holds_rule(haystack) =>
            {
                let needle = self.at_place(0, |this| this.rule(needle))?;
                let set = set::compile(elements);
                self.charge(set.heap())?;
                Ok(Rule::InSet(Box::new((needle, set))))
            }
            ("reduce", Some(operands)) => match operands.first() {
                [Some(subject), Some(body), Some(initial)] => {
                    let subject = self.subject(subject)?;
                    let body = self.at_place(1, |this| this.rule(body))?;
                    let initial = self.at_place(2, |this| this.rule(initial))?;
                    Ok(Rule::Reduce(Box::new((subject, body, initial))))
                }
                _ => Ok(Rule::Literal(Literal::Number(0.0))),
            },
            (_, Some(operands)) if let Some(each) = each_named(name) => match operands.first() {
                [Some(subject), Some(body)] => {
                    let subject = self.subject(subject)?;
                    let body = self.at_place(1, |this| this.rule(body))?;
                    Ok(Rule::Each(each, Box::new((subject, body))))
                }
                _ => {
                    let help = format!("write {{\"{name}\": [{{\"var\": \"items\"}}, a rule]}}");
                    let message = format!("\"{name}\" needs a list and a rule");
                    // flagd makes an empty list of too little, and fails where it needs a truth.
                    if matches!(each, Each::Map | Each::Filter) {
                        self.warn(message, help);
                        return Ok(Rule::Literal(Literal::List(Box::default())));
                    }
                    Ok(self.broken(message, help))
                }
            },
            _ => match operator_named(name, self.generation()) {
                Some(operator) => self.eager(name, operator, argument),
                None if is_lazy(name) => Ok(self.needs_list(name)),
                None => {
                    let otherwise = "use one that flagd has; until then the rule answers PARSE_ERROR \
                                     where it is reached";
                    let help = called_otherwise(name)
                        .map_or_else(|| suggest(name, operator_names(), otherwise), str::to_owned);
                    Ok(self.broken(format!("operator \"{name}\" is not supported"), help))
                }
            },
        }
    }

    /// The list a list operator visits. Written out, it is data: flagd runs no rules in it.
    fn subject(&mut self, subject: Json<'e>) -> CompiledRule {
        self.at_place(0, |this| match subject {
            Json::Array(elements) => {
                if holds_rule(subject) {
                    let message = "rules in a list written out here are not run";
                    this.warn(message, "build the list with \"merge\"");
                }
                Ok(Rule::Literal(Literal::List(encode_list(elements.iter()))))
            }
            rule => this.rule(rule),
        })
    }

    /// An operator that evaluates all of its arguments first.
    fn eager(&mut self, name: &str, operator: Operator, argument: Json<'e>) -> CompiledRule {
        let arguments = match argument {
            Json::Array(operands) => match operands.first() {
                [Some(a), Some(b), None, None] if operator.compares() => {
                    self.charge(2 * size_of::<Rule>())?;
                    let a = self.at_place(0, |this| this.rule(a))?;
                    let b = self.at_place(1, |this| this.rule(b))?;
                    return Ok(Rule::Compare(operator, Box::new((a, b))));
                }
                [Some(actual), Some(Json::String(range)), Some(Json::String(target)), None]
                    if operator == Operator::SemVer
                        && let Some(range) = Range::parse(&range.get())
                        && let Some(target) = OwnedVersion::parse(&target.get()) =>
                {
                    let actual = self.at_place(0, |this| this.rule(actual))?;
                    return Ok(Rule::SemVer(Box::new((actual, range, target))));
                }
                _ => {
                    if operator == Operator::SemVer {
                        self.check_versions(operands);
                    }
                    Arguments::Listed(self.all(operands)?)
                }
            },
            Json::Object(members) if members.only().is_some() => {
                Arguments::Bare(Box::new(self.rule(argument)?))
            }
            // Written without a list, a literal cannot become one.
            literal if takes_one(operator, literal) => {
                Arguments::Listed(Box::new([self.rule(literal)?]))
            }
            _ => return Ok(self.needs_list(name)),
        };
        Ok(Rule::Apply(operator, arguments))
    }

    /// Warns of a `sem_ver` that can never hold.
    fn check_versions(&mut self, operands: JsonList<'_>) {
        let help = "write {\"sem_ver\": [{\"var\": \"version\"}, \">=\", \"1.2.3\"]}";
        let Some([_, range, target]) = operands.all() else {
            self.warn("\"sem_ver\" needs a version, an operator and a version", help);
            return;
        };
        if let Some(range) = range.as_str()
            && Range::parse(&range).is_none()
        {
            let help = "use one of =, !=, <, <=, >, >=, ^ (same major) and ~ (same minor)";
            self.at_place(1, |this| this.warn(format!("\"{range}\" compares no versions"), help));
        }
        if let Some(target) = target.as_str()
            && OwnedVersion::parse(&target).is_none()
        {
            let message = format!("\"{target}\" is no version");
            self.at_place(2, |this| this.warn(message, "write a version such as \"1.2.3\""));
        }
    }

    fn needs_list(&mut self, name: &str) -> Rule {
        self.broken(format!("\"{name}\" needs a list of arguments"), "put the arguments in [ ]")
    }

    /// A rule that fails where it is reached, reported now.
    pub(super) fn broken(&mut self, message: String, help: impl Into<String>) -> Rule {
        let why = format!("{}: {message}", self.path);
        self.warn(message, help);
        Rule::Broken(why.into())
    }
}
