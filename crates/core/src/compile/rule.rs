//! From JSONLogic as written to a [`Rule`]: operators looked up, paths split, lists turned into
//! sets, references put in place.
//!
//! What flagd would only find when the branch is reached (an unknown operator, a reference to
//! nothing) is told now and fails then. Depth and size are bounded here, so that nothing that
//! walks a rule ever has to count.

use super::scope::FileScope;
use crate::{
    diagnostic::{Diagnostic, Path as Place, Step, problems::Problems},
    document::json::{Json, JsonList, encode_list, encode_object},
    flag::rule::{Generation, Literal, Rule, RuleSize, SharedRule, operators::is_operator},
};
use std::{collections::BTreeSet, mem::size_of, sync::Arc};

/// What to do about a flag that takes too much memory.
pub(crate) const TAKES_TOO_MUCH_HELP: &str =
    "shorten it, write repeated parts once, or move long lists into files of their own";

/// Rules nest at most this deep: two JSON levels each stay within what JSON parsers accept.
const MAX_DEPTH: usize = 63;

/// A flag has at most this many rule nodes, every reference expanded. Elements of lists are free.
const MAX_NODES: usize = 10_000;

/// The same, with every literal operand counted too.
const MAX_PARTS: usize = 100_000;

/// Why compiling a rule stopped: a bound was exceeded (and reported).
pub(super) struct Exceeded;

pub(super) type CompiledRule = Result<Rule, Exceeded>;

pub(super) struct RuleCompiler<'e, 'd> {
    pub(super) scope: &'e FileScope<'e>,
    pub(super) found: &'d mut Problems,
    /// Where in the document the rule at hand stands.
    pub(super) path: Place,
    /// So far; its depth is that of the deepest rule.
    size: RuleSize,
    /// The bytes of the rule so far, without those of shared rules.
    bytes: usize,
    depth: usize,
    /// The evaluator that the rule belongs to.
    pub(super) within: Option<&'e str>,
    pub(super) references: BTreeSet<&'e str>,
}

impl<'e, 'd> RuleCompiler<'e, 'd> {
    pub(super) fn new(scope: &'e FileScope<'e>, path: Place, found: &'d mut Problems) -> Self {
        let (size, references) = (RuleSize::default(), BTreeSet::new());
        Self { scope, found, path, size, bytes: 0, depth: 0, within: None, references }
    }

    /// The same for the rule of an evaluator.
    pub(super) fn within(self, evaluator: &'e str) -> Self {
        Self { within: Some(evaluator), ..self }
    }

    /// Compiles a whole targeting; `None` if a bound was exceeded.
    pub(super) fn compile(&mut self, rule: Json<'e>) -> Option<Rule> {
        self.rule(rule).ok()
    }

    /// Compiles an evaluator. One that is only a reference to another is that other one.
    pub(super) fn compile_shared(&mut self, rule: Json<'e>) -> Option<Arc<SharedRule>> {
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
    pub(super) fn rule(&mut self, json: Json<'e>) -> CompiledRule {
        self.size.parts += 1;
        let literal = match json {
            Json::Null => Literal::Null,
            Json::Bool(bit) => Literal::Bool(bit),
            Json::Number(number) => Literal::Number(number.as_f64()),
            Json::String(text) => Literal::String(text.get().into()),
            Json::Array(elements) if !holds_rule(json) => {
                Literal::List(encode_list(elements.iter()))
            }
            Json::Array(elements) => {
                return self.nested(|this| Ok(Rule::List(this.all(elements)?)));
            }
            Json::Object(members) => match members.only() {
                // A reference is not a level: the rule that it leads to takes its place.
                Some((operator, argument)) if operator == "$ref" => {
                    return self.at(&operator, |this| this.reference(argument));
                }
                Some((operator, argument)) => {
                    return self.nested(|this| {
                        this.at(&operator, |this| this.operation(&operator, argument))
                    });
                }
                // An object with any other number of members is data.
                None => {
                    if members.written().any(|(name, _)| is_operator(&name.get())) {
                        let help = "a rule has one operator; join several with \"and\" or \"or\"";
                        let count = members.members().len();
                        let message = format!("has {count} members, so it is no rule");
                        self.warn(message, help);
                    }
                    Literal::Object(encode_object(members))
                }
            },
        };
        self.charge(literal.heap())?;
        Ok(Rule::Literal(literal))
    }

    /// Compiles inside one more level.
    fn nested(&mut self, inside: impl FnOnce(&mut Self) -> CompiledRule) -> CompiledRule {
        self.add(RuleSize { nodes: 1, parts: 0, depth: 1 })?;
        self.depth += 1;
        let rule = inside(self);
        self.depth -= 1;
        rule
    }

    /// Adds what a rule at this place is made of, unless that exceeds a bound.
    pub(super) fn add(&mut self, added: RuleSize) -> Result<(), Exceeded> {
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

    /// Counts bytes of the rule. A rule that takes more than its whole file may take has an error, and
    /// the rest of it is not compiled.
    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), Exceeded> {
        self.bytes = self.bytes.saturating_add(bytes);
        let most = self.scope.most_bytes();
        if self.bytes <= most {
            return Ok(());
        }
        let message = format!(
            "takes more than {most} bytes in memory, which is all that its file has room for"
        );
        self.found.push(Diagnostic::error(self.path.first(2), message, TAKES_TOO_MUCH_HELP));
        Err(Exceeded)
    }

    /// Compiles with `.name` added to the path of what is reported.
    pub(super) fn at<T>(&mut self, name: &str, inside: impl FnOnce(&mut Self) -> T) -> T {
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

    /// Compiles each element of a list.
    pub(super) fn all(&mut self, rules: JsonList<'e>) -> Result<Box<[Rule]>, Exceeded> {
        let count = rules.len();
        self.charge(count * size_of::<Rule>())?;
        // Exactly as many: a list that grows takes three times its memory for a moment.
        let mut compiled = Vec::with_capacity(count);
        for (place, rule) in rules.iter().enumerate() {
            compiled.push(self.at_place(place, |this| this.rule(rule))?);
        }
        Ok(compiled.into())
    }
}

/// Whether there is a rule somewhere in a list.
pub(super) fn holds_rule(json: Json<'_>) -> bool {
    match json {
        Json::Array(elements) => elements.iter().any(holds_rule),
        Json::Object(members) => members.only().is_some(),
        _ => false,
    }
}
