//! Look-ups of a rule as written: attributes by their path, and evaluators by their name.

use super::rule::{CompiledRule, Exceeded, RuleCompiler};
use crate::{
    diagnostic::suggest::suggest_one_of_few,
    document::{json::Json, number},
    flag::{
        evaluate::index,
        rule::{Arguments, AttributePath, Literal, PathPart, Rule, Var},
    },
};

impl<'e> RuleCompiler<'e, '_> {
    pub(super) fn var(&mut self, argument: Json<'e>) -> CompiledRule {
        let (path, default) = match argument {
            Json::Array(arguments) => match arguments.first::<3>() {
                [None, ..] => {
                    return Ok(Rule::Var(Var { path: AttributePath::Whole, default: None }));
                }
                [Some(path), default, None] => (path, default),
                [Some(path), ..] => (path, None),
            },
            path => (path, None),
        };
        let path = match (path, argument.is_array()) {
            (Json::String(path), _) => parts(&path.get()),
            (Json::Number(number), false) => {
                let mut path = String::new();
                number::write_plain(&mut path, number.as_f64()).unwrap_or_default();
                parts(&path)
            }
            (Json::Null, false) => AttributePath::Scalar,
            (Json::Object(members), listed) if members.only().is_some() => {
                return Ok(Rule::ComputedVar(match (argument, listed) {
                    (Json::Array(arguments), _) => Arguments::Listed(self.all(arguments)?),
                    (argument, _) => Arguments::Bare(Box::new(self.rule(argument)?)),
                }));
            }
            _ => {
                let help = "write {\"var\": \"name\"} or {\"var\": [\"name\", default]}";
                return Ok(self.broken("the path of a \"var\" must be text".to_owned(), help));
            }
        };
        if let AttributePath::Parts(parts) = &path {
            let names: usize = parts.iter().map(|part| part.name.len()).sum();
            self.charge(size_of_val(&**parts) + names)?;
        }
        let default = match default {
            None => None,
            Some(default) => Some(Box::new(self.at_place(1, |this| this.rule(default))?)),
        };
        Ok(Rule::Var(Var { path, default }))
    }

    /// Refers to an evaluator, and reports the evaluator's diagnostics.
    pub(super) fn reference(&mut self, name: Json<'e>) -> CompiledRule {
        let Some(name) = name.as_str() else {
            let help = "write {\"$ref\": \"name\"}";
            return Ok(self.broken("a \"$ref\" must name an evaluator".to_owned(), help));
        };
        let scope = self.scope;
        let Some(name) = scope.evaluators().name(&name) else {
            if scope.is_unreadable(&name) {
                let why = format!("{}: the evaluator \"{name}\" cannot be read", self.path);
                return Ok(Rule::Broken(why.into()));
            }
            let known = scope.evaluators().names();
            let known = known.take(if self.found.is_full() { 0 } else { usize::MAX });
            let help = suggest_one_of_few(
                &name,
                known,
                "define it under \"$evaluators\" in the same file",
            );
            return Ok(self.broken(format!("there is no evaluator \"{name}\""), help));
        };
        if let Some(cycle) = self.within.and_then(|from| scope.evaluators().cycle(from, name)) {
            let help = "an evaluator cannot refer to itself, directly or through others";
            return Ok(self.broken(format!("the reference is a cycle: {cycle}"), help));
        }
        let Some(evaluator) = scope.evaluators().get(name, scope) else {
            return Ok(Rule::Literal(Literal::Null));
        };
        if self.references.insert(name) {
            // Its diagnostics are those of every flag that refers to it.
            self.found.repeat(&evaluator.diagnostics, evaluator.untold);
        }
        let shared = evaluator.rule.ok_or(Exceeded)?;
        self.add(shared.size)?;
        Ok(Rule::Shared(shared))
    }
}

fn parts(path: &str) -> AttributePath {
    let parts: Box<[_]> = path
        .split('.')
        .filter(|part| !part.is_empty())
        .map(|part| PathPart { name: part.into(), index: index(part) })
        .collect();
    // Nothing but dots is the data at hand, as is no path at all.
    if parts.is_empty() { AttributePath::Whole } else { AttributePath::Parts(parts) }
}
