//! From JSONLogic as written to a [`Rule`]: operators looked up, paths split, lists turned into
//! sets, references put in place.
//!
//! What flagd would only find when the branch is reached (an unknown operator, a reference to
//! nothing) is told now and fails then. Depth and size are bounded here, so that nothing that
//! walks a rule ever has to count.

use super::{
    fractional,
    operators::{
        called_otherwise, each_named, is_lazy, is_operator, operator_named, operator_names,
        takes_one,
    },
    scope::FileScope,
    set,
};
use crate::flag::{
    Generation,
    diagnostic::{Diagnostic, Path as Place, Step},
    encoded::{encode_list, encode_object},
    evaluate::index,
    number,
    problems::Problems,
    rule::{Arguments, Each, Literal, Operator, Part, Path, Rule, RuleSize, SharedRule, Var},
    suggest::{suggest, suggest_one_of_few},
    version::{OwnedVersion, Range},
};
use serde_json::Value as Json;
use std::{collections::BTreeSet, sync::Arc};

/// Rules nest at most this deep: two JSON levels each stay within what JSON parsers accept.
const MAX_DEPTH: usize = 63;

/// A flag has at most this many rule nodes, every reference expanded. Elements of lists are free.
const MAX_NODES: usize = 10_000;

/// The same, with every literal operand counted too.
const MAX_PARTS: usize = 100_000;

/// Why compiling a rule stopped: a bound was exceeded (and reported).
pub(super) struct Exceeded;

type Compiled = Result<Rule, Exceeded>;

pub(super) struct RuleCompiler<'e, 'd> {
    scope: &'e FileScope,
    found: &'d mut Problems,
    /// Where in the document the rule at hand stands.
    path: Place,
    /// So far; its depth is that of the deepest rule.
    size: RuleSize,
    depth: usize,
    /// The evaluator that the rule belongs to.
    within: Option<&'e str>,
    references: BTreeSet<&'e str>,
}

impl<'e, 'd> RuleCompiler<'e, 'd> {
    pub(super) fn new(scope: &'e FileScope, path: Place, found: &'d mut Problems) -> Self {
        let (size, references) = (RuleSize::default(), BTreeSet::new());
        Self { scope, found, path, size, depth: 0, within: None, references }
    }

    /// The same for the rule of an evaluator.
    pub(super) fn within(self, evaluator: &'e str) -> Self {
        Self { within: Some(evaluator), ..self }
    }

    /// Compiles a whole targeting; `None` if a bound was exceeded.
    pub(super) fn compile(&mut self, rule: &'e Json) -> Option<Rule> {
        self.rule(rule).ok()
    }

    /// Compiles an evaluator. One that is only a reference to another is that other one.
    pub(super) fn compile_shared(&mut self, rule: &'e Json) -> Option<Arc<SharedRule>> {
        match self.compile(rule)? {
            Rule::Shared(shared) => Some(shared),
            rule => Some(Arc::new(SharedRule::new(rule, self.size))),
        }
    }

    /// The evaluators the rule refers to, by name.
    pub(super) fn references(self) -> BTreeSet<&'e str> {
        self.references
    }

    /// Reports that the flag cannot be served.
    pub(super) fn fail(&mut self, message: String, help: &str) {
        self.found.push(Diagnostic::error(&self.path, message, help));
    }

    pub(super) fn warn(&mut self, message: impl Into<String>, help: impl Into<String>) {
        self.found.push(Diagnostic::warning(&self.path, message, help));
    }

    pub(super) fn generation(&self) -> Generation {
        self.scope.generation()
    }

    /// Compiles one value: a rule, a list that may hold rules, or data.
    pub(super) fn rule(&mut self, json: &'e Json) -> Compiled {
        self.size.parts += 1;
        let literal = match json {
            Json::Null => Literal::Null,
            Json::Bool(bit) => Literal::Bool(*bit),
            Json::Number(number) => Literal::Number(number.as_f64().unwrap_or(f64::NAN)),
            Json::String(text) => Literal::String(text.as_str().into()),
            Json::Array(elements) if !holds_rule(json) => Literal::List(encode_list(elements)),
            Json::Array(elements) => {
                return self.nested(|this| Ok(Rule::List(this.all(elements)?)));
            }
            Json::Object(members) => match (members.iter().next(), members.len()) {
                // A reference is not a level: the rule that it leads to takes its place.
                (Some((operator, argument)), 1) if operator == "$ref" => {
                    return self.at(operator, |this| this.reference(argument));
                }
                (Some((operator, argument)), 1) => {
                    return self.nested(|this| {
                        this.at(operator, |this| this.operation(operator, argument))
                    });
                }
                // An object with any other number of members is data.
                _ => {
                    if members.keys().any(|name| is_operator(name)) {
                        let help = "a rule has one operator; join several with \"and\" or \"or\"";
                        let message = format!("has {} members, so it is no rule", members.len());
                        self.warn(message, help);
                    }
                    Literal::Object(encode_object(members))
                }
            },
        };
        Ok(Rule::Literal(literal))
    }

    /// Compiles inside one more level.
    fn nested(&mut self, inside: impl FnOnce(&mut Self) -> Compiled) -> Compiled {
        self.add(RuleSize { nodes: 1, parts: 0, depth: 1 })?;
        self.depth += 1;
        let rule = inside(self);
        self.depth -= 1;
        rule
    }

    /// Adds what a rule at this place is made of, unless that exceeds a bound.
    fn add(&mut self, added: RuleSize) -> Result<(), Exceeded> {
        let size = &mut self.size;
        size.nodes = size.nodes.saturating_add(added.nodes);
        size.parts = size.parts.saturating_add(added.parts);
        size.depth = size.depth.max(self.depth + added.depth);
        let (what, most) = match *size {
            RuleSize { depth, .. } if depth > MAX_DEPTH => ("nests deeper", MAX_DEPTH),
            RuleSize { nodes, .. } if nodes > MAX_NODES => ("has more rules", MAX_NODES),
            RuleSize { parts, .. } if parts > MAX_PARTS => ("has more operands", MAX_PARTS),
            _ => return Ok(()),
        };
        let help = "split the flag, or test membership with one \"in\" over a list";
        self.fail(format!("{what} than {most}"), help);
        Err(Exceeded)
    }

    /// Compiles with `.name` added to the path of what is reported.
    fn at<T>(&mut self, name: &str, inside: impl FnOnce(&mut Self) -> T) -> T {
        self.path.enter(Step::Member(name.into()));
        let result = inside(self);
        self.path.leave();
        result
    }

    /// Compiles with `[place]` added to the path of what is reported.
    pub(super) fn at_place<T>(&mut self, place: usize, inside: impl FnOnce(&mut Self) -> T) -> T {
        self.path.enter(Step::Place(place));
        let result = inside(self);
        self.path.leave();
        result
    }

    fn all(&mut self, rules: &'e [Json]) -> Result<Box<[Rule]>, Exceeded> {
        rules
            .iter()
            .enumerate()
            .map(|(place, rule)| self.at_place(place, |this| this.rule(rule)))
            .collect()
    }

    fn operation(&mut self, name: &'e str, argument: &'e Json) -> Compiled {
        let listed = argument.as_array();
        match (name, listed) {
            ("var", _) => self.var(argument),
            ("if" | "?:", Some(clauses)) => Ok(Rule::If(self.all(clauses)?)),
            ("and", Some(rules)) => Ok(Rule::And(self.all(rules)?)),
            ("or", Some(rules)) => Ok(Rule::Or(self.all(rules)?)),
            ("fractional", _) => fractional::compile(self, argument),
            ("in", Some(operands))
                if let [needle, haystack @ Json::Array(elements), ..] = operands.as_slice()
                    && !holds_rule(haystack) =>
            {
                let needle = self.at_place(0, |this| this.rule(needle))?;
                Ok(Rule::InSet(Box::new((needle, set::compile(elements)))))
            }
            ("reduce", Some(operands)) => match operands.as_slice() {
                [subject, body, initial, ..] => {
                    let subject = self.subject(subject)?;
                    let body = self.at_place(1, |this| this.rule(body))?;
                    let initial = self.at_place(2, |this| this.rule(initial))?;
                    Ok(Rule::Reduce(Box::new((subject, body, initial))))
                }
                _ => Ok(Rule::Literal(Literal::Number(0.0))),
            },
            (_, Some(operands)) if let Some(each) = each_named(name) => match operands.as_slice() {
                [subject, body, ..] => {
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
    fn subject(&mut self, subject: &'e Json) -> Compiled {
        self.at_place(0, |this| match subject {
            Json::Array(elements) => {
                if holds_rule(subject) {
                    let message = "rules in a list written out here are not run";
                    this.warn(message, "build the list with \"merge\"");
                }
                Ok(Rule::Literal(Literal::List(encode_list(elements))))
            }
            rule => this.rule(rule),
        })
    }

    /// An operator that evaluates all of its arguments first.
    fn eager(&mut self, name: &str, operator: Operator, argument: &'e Json) -> Compiled {
        let arguments = match argument {
            Json::Array(operands) => match operands.as_slice() {
                [a, b] if operator.compares() => {
                    let a = self.at_place(0, |this| this.rule(a))?;
                    let b = self.at_place(1, |this| this.rule(b))?;
                    return Ok(Rule::Compare(operator, Box::new((a, b))));
                }
                [actual, Json::String(range), Json::String(target)]
                    if operator == Operator::SemVer
                        && let Some(range) = Range::parse(range)
                        && let Some(target) = OwnedVersion::parse(target) =>
                {
                    let actual = self.at_place(0, |this| this.rule(actual))?;
                    return Ok(Rule::SemVer(Box::new((actual, range, target))));
                }
                operands => {
                    if operator == Operator::SemVer {
                        self.check_versions(operands);
                    }
                    Arguments::Listed(self.all(operands)?)
                }
            },
            Json::Object(members) if members.len() == 1 => {
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
    fn check_versions(&mut self, operands: &[Json]) {
        let help = "write {\"sem_ver\": [{\"var\": \"version\"}, \">=\", \"1.2.3\"]}";
        if operands.len() != 3 {
            self.warn("\"sem_ver\" needs a version, an operator and a version", help);
            return;
        }
        if let Some(Json::String(range)) = operands.get(1)
            && Range::parse(range).is_none()
        {
            let help = "use one of =, !=, <, <=, >, >=, ^ (same major) and ~ (same minor)";
            self.at_place(1, |this| this.warn(format!("\"{range}\" compares no versions"), help));
        }
        if let Some(Json::String(target)) = operands.get(2)
            && OwnedVersion::parse(target).is_none()
        {
            let message = format!("\"{target}\" is no version");
            self.at_place(2, |this| this.warn(message, "write a version such as \"1.2.3\""));
        }
    }

    fn needs_list(&mut self, name: &str) -> Rule {
        self.broken(format!("\"{name}\" needs a list of arguments"), "put the arguments in [ ]")
    }

    /// A rule that fails where it is reached, reported now.
    fn broken(&mut self, message: String, help: impl Into<String>) -> Rule {
        let why = format!("{}: {message}", self.path);
        self.warn(message, help);
        Rule::Broken(why.into())
    }

    fn var(&mut self, argument: &'e Json) -> Compiled {
        let (path, default) = match argument {
            Json::Array(arguments) => match arguments.as_slice() {
                [] => return Ok(Rule::Var(Var { path: Path::Whole, default: None })),
                [path, default] => (path, Some(default)),
                [path, ..] => (path, None),
            },
            path => (path, None),
        };
        let path = match (path, argument.is_array()) {
            (Json::String(path), _) => parts(path),
            (Json::Number(number), false) => {
                let mut path = String::new();
                let number = number.as_f64().unwrap_or(f64::NAN);
                number::write_plain(&mut path, number).unwrap_or_default();
                parts(&path)
            }
            (Json::Null, false) => Path::Scalar,
            (Json::Object(members), listed) if members.len() == 1 => {
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
        let default = match default {
            None => None,
            Some(default) => Some(Box::new(self.at_place(1, |this| this.rule(default))?)),
        };
        Ok(Rule::Var(Var { path, default }))
    }

    /// Refers to an evaluator, and reports the evaluator's diagnostics.
    fn reference(&mut self, name: &'e Json) -> Compiled {
        let Some(name) = name.as_str() else {
            let help = "write {\"$ref\": \"name\"}";
            return Ok(self.broken("a \"$ref\" must name an evaluator".to_owned(), help));
        };
        let scope = self.scope;
        let Some(name) = scope.evaluators().name(name) else {
            if scope.is_unreadable(name) {
                let why = format!("{}: the evaluator \"{name}\" cannot be read", self.path);
                return Ok(Rule::Broken(why.into()));
            }
            let known = scope.evaluators().names();
            let known = known.take(if self.found.is_full() { 0 } else { usize::MAX });
            let help =
                suggest_one_of_few(name, known, "define it under \"$evaluators\" in the same file");
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

fn parts(path: &str) -> Path {
    let parts: Box<[_]> = path
        .split('.')
        .filter(|part| !part.is_empty())
        .map(|part| Part { name: part.into(), index: index(part) })
        .collect();
    // Nothing but dots is the data at hand, as is no path at all.
    if parts.is_empty() { Path::Whole } else { Path::Parts(parts) }
}

/// Whether there is a rule somewhere in a list.
fn holds_rule(json: &Json) -> bool {
    match json {
        Json::Array(elements) => elements.iter().any(holds_rule),
        Json::Object(members) => members.len() == 1,
        _ => false,
    }
}
