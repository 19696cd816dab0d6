//! What a rule can result in, as far as it is written out: each should be a variant.

use super::scope::FileScope;
use crate::{
    diagnostic::{Diagnostic, Path, Step, problems::Problems, suggest::suggest_one_of_few},
    document::json::Json,
    flag::Variant,
};
use std::collections::HashSet;

/// Warns of results that name no variant; whoever gets one gets an error.
///
/// The rule was compiled, so that its depth is bounded. The chain of its references is not: they
/// are followed one after the other.
pub(super) fn check(
    rule: Json<'_>,
    variants: &[Variant],
    scope: &FileScope<'_>,
    path: Path,
    found: &mut Problems,
) {
    let names = variants.iter().map(Variant::name).collect();
    let (seen, open) = (HashSet::new(), Vec::new());
    let mut search = ResultSearch { names, variants, scope, path, found, seen, open };
    search.result(rule);
    while let Some((name, rule)) = search.open.pop() {
        search.path = Path::from("$evaluators").member(name);
        search.result(rule);
    }
}

struct ResultSearch<'a, 'f> {
    names: HashSet<&'a str>,
    variants: &'a [Variant],
    scope: &'a FileScope<'a>,
    path: Path,
    found: &'f mut Problems,
    /// Evaluators that were gone through.
    seen: HashSet<&'a str>,
    /// Evaluators that are still to be gone through.
    open: Vec<(&'a str, Json<'a>)>,
}

impl<'a> ResultSearch<'a, '_> {
    fn result(&mut self, rule: Json<'a>) {
        if !self.scope.may_look_at_result() {
            return;
        }
        match rule {
            Json::Null => {}
            Json::String(name) => self.name(&name.get()),
            Json::Bool(_) | Json::Number(_) => self.name(&rule.to_canonical()),
            Json::Array(_) => {
                let help = "a rule is an object with one operator";
                let message = "results in a list, which is not a variant";
                self.found.push(Diagnostic::warning(&self.path, message, help));
            }
            // An object that is no rule was told as such.
            Json::Object(members) => {
                if let Some((operator, argument)) = members.only() {
                    self.path.enter(Step::Member(operator.as_ref().into()));
                    self.operation(&operator, argument);
                    self.path.leave();
                }
            }
        }
    }

    fn operation(&mut self, operator: &str, argument: Json<'a>) {
        match (operator, argument) {
            ("if" | "?:", Json::Array(clauses)) => {
                let count = clauses.len();
                let is_result = |place: usize| place % 2 == 1 || place + 1 == count;
                for (place, clause) in clauses.iter().enumerate().filter(|(at, _)| is_result(*at)) {
                    self.at_place(place, |this| this.result(clause));
                }
            }
            ("fractional", Json::Array(shares)) => {
                for (place, share) in shares.iter().enumerate() {
                    let Some([Some(variant)]) = share.as_array().map(|share| share.first()) else {
                        continue;
                    };
                    self.at_place(place, |this| this.at_place(0, |this| this.result(variant)));
                }
            }
            ("$ref", Json::String(name)) => {
                if let Some((name, rule)) = self.scope.evaluators().with_results(&name.get())
                    && self.seen.insert(name)
                {
                    self.open.push((name, rule));
                }
            }
            // What any other rule results in depends on the context.
            _ => {}
        }
    }

    fn at_place(&mut self, place: usize, inside: impl FnOnce(&mut Self)) {
        self.path.enter(Step::Place(place));
        inside(self);
        self.path.leave();
    }

    fn name(&mut self, name: &str) {
        if self.names.contains(name) {
            return;
        }
        let known = if self.found.is_full() { &[] } else { self.variants };
        let known = known.iter().map(Variant::name);
        let help = suggest_one_of_few(name, known, "name a variant, or add it to them");
        let message = format!("results in \"{name}\", which is not a variant");
        self.found.push(Diagnostic::warning(&self.path, message, help));
    }
}
