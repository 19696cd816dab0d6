//! The evaluators of a file, each compiled once however many flags refer to it.
//!
//! A layer keeps them, so that a flag that changes alone refers to the evaluators that its
//! neighbours refer to, and not to copies.

use super::{
    references::{References, gather},
    rule::RuleCompiler,
    scope::FileScope,
};
use crate::{
    diagnostic::{
        Diagnostic, Path,
        problems::{MOST_TOLD, Problems},
    },
    document::json::{Indexed, Json},
    flag::{
        Digest,
        digest::{PartsHash, digest},
        rule::SharedRule,
    },
};
use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// An evaluator as compiled.
#[derive(Debug, Clone)]
pub(crate) struct NamedRule {
    /// `None` if it exceeds a bound; an error among the diagnostics says which.
    pub(super) rule: Option<Arc<SharedRule>>,
    pub(super) diagnostics: Arc<[Diagnostic]>,
    /// Diagnostics for which there was no room.
    pub(super) untold: usize,
    /// The digest of its text and of the evaluators that it refers to.
    digest: Digest,
}

/// Compiled evaluators by name, and the digest of the file's shared parts that they belong to.
#[derive(Debug, Clone, Default)]
pub(crate) struct CompiledEvaluators {
    of: Digest,
    by_name: BTreeMap<Box<str>, NamedRule>,
}

/// An evaluator as written.
#[derive(Debug)]
struct WrittenEvaluator<'t> {
    text: &'t str,
    /// The names that it refers to.
    names: BTreeSet<String>,
    /// The value of an evaluator that can have variants as results, which flags look at.
    value: Option<Indexed<'t>>,
}

/// A shorter rule is not worth looking for an evaluator of the same text.
const LONG: usize = 512;

/// The evaluators of a file.
#[derive(Debug)]
pub(crate) struct Evaluators<'t> {
    written: BTreeMap<String, WrittenEvaluator<'t>>,
    references: OnceCell<References>,
    /// The names of long evaluators by the digests of their texts.
    by_text: OnceCell<BTreeMap<Digest, String>>,
    compiled: RefCell<CompiledEvaluators>,
}

/// The evaluators of a file, before any is compiled.
#[derive(Debug, Default)]
pub(super) struct EvaluatorTexts<'t> {
    by_name: BTreeMap<String, WrittenEvaluator<'t>>,
    digests: Vec<Digest>,
}

impl<'t> EvaluatorTexts<'t> {
    /// Adds an evaluator, which was read from a text without a problem.
    pub(super) fn add(&mut self, name: &str, text: &'t str, rule: Indexed<'t>) {
        let mut names = BTreeSet::new();
        gather(rule.value(), &mut names);
        let mut hash = PartsHash::default();
        hash.part(name.as_bytes());
        hash.json(rule.value());
        self.digests.push(hash.finish());
        let value = can_be_variant(rule.value()).then_some(rule);
        self.by_name.insert(name.to_owned(), WrittenEvaluator { text, names, value });
    }

    /// The digests of the evaluators' names and texts, in the order of the file.
    pub(super) fn digests(&self) -> impl Iterator<Item = &[u8]> {
        self.digests.iter().map(<[u8; 32]>::as_slice)
    }
}

/// Whether a rule can result in a name that stands in it.
fn can_be_variant(rule: Json<'_>) -> bool {
    match rule {
        Json::Object(members) => {
            let names = ["if", "?:", "fractional", "$ref"];
            members.only().is_some_and(|(operator, _)| names.contains(&&*operator))
        }
        _ => true,
    }
}

impl<'t> Evaluators<'t> {
    /// Evaluators of a file whose shared parts have the digest `of`; those that were `compiled`
    /// from the same parts are not compiled again.
    pub(super) fn new(
        written: EvaluatorTexts<'t>,
        of: Digest,
        compiled: &CompiledEvaluators,
    ) -> Self {
        let is_same = compiled.of == of;
        let by_name = if is_same { compiled.by_name.clone() } else { BTreeMap::new() };
        let compiled = RefCell::new(CompiledEvaluators { of, by_name });
        Self {
            written: written.by_name,
            references: OnceCell::new(),
            by_text: OnceCell::new(),
            compiled,
        }
    }

    /// The name of an evaluator, borrowed from this map.
    pub(super) fn name<'a>(&'a self, name: &str) -> Option<&'a str> {
        self.written.get_key_value(name).map(|(name, _)| name.as_str())
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.written.keys().map(String::as_str)
    }

    /// The name of a long evaluator by its text.
    pub(super) fn of_text(&self, text: &str) -> Option<&str> {
        if text.len() < LONG {
            return None;
        }
        let by_text = self.by_text.get_or_init(|| {
            let long = self.written.iter().filter(|(_, written)| written.text.len() >= LONG);
            long.map(|(name, written)| (digest([written.text.as_bytes()]), name.clone())).collect()
        });
        if by_text.is_empty() {
            return None;
        }
        by_text.get(&digest([text.as_bytes()])).map(String::as_str)
    }

    /// Names and rules as written.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.written.iter().map(|(name, written)| (name.as_str(), written.text))
    }

    /// The rule of an evaluator that can have variants as results.
    pub(super) fn with_results<'a>(&'a self, name: &str) -> Option<(&'a str, Json<'a>)> {
        let (name, written) = self.written.get_key_value(name)?;
        Some((name, written.value.as_ref()?.value()))
    }

    /// The cycle that a reference from one evaluator to another would close.
    pub(super) fn cycle(&self, from: &str, to: &str) -> Option<&str> {
        self.references().cycle(from, to)
    }

    /// An evaluator that refers to itself, and the cycle.
    pub(crate) fn first_cycle(&self) -> Option<(&str, &str)> {
        self.references().first_cycle()
    }

    fn references(&self) -> &References {
        self.references.get_or_init(|| {
            References::of(
                self.written.iter().map(|(name, written)| (name.as_str(), &written.names)),
            )
        })
    }

    /// The evaluator of a name, compiled at the first call after those that it needs.
    pub(super) fn get(&self, name: &str, scope: &FileScope<'_>) -> Option<NamedRule> {
        if let Some(known) = self.compiled.borrow().by_name.get(name) {
            return Some(known.clone());
        }
        let is_known = |name: &str| self.compiled.borrow().by_name.contains_key(name);
        let order = self.references().in_order(name, is_known);
        for name in order {
            let (name, written) = self.written.get_key_value(name)?;
            let rule = Indexed::new(written.text)?;
            let evaluator = self.compile(name, rule.value(), scope);
            self.compiled.borrow_mut().by_name.insert(name.as_str().into(), evaluator);
        }
        self.compiled.borrow().by_name.get(name).cloned()
    }

    /// Compiles an evaluator. The evaluators that it needs were compiled before.
    fn compile(&self, name: &str, rule: Json<'_>, scope: &FileScope<'_>) -> NamedRule {
        let mut found = Problems::with_room(MOST_TOLD);
        let path = Path::from("$evaluators").member(name);
        let mut compiler = RuleCompiler::new(scope, path, &mut found).within(name);
        let shared = compiler.compile_shared(rule);
        let needed = compiler.references();
        let mut hash = PartsHash::default();
        hash.part(name.as_bytes());
        hash.json(rule);
        let known = self.compiled.borrow();
        let needed = needed.iter().filter_map(|name| known.by_name.get(*name));
        needed.for_each(|needed| hash.part(&needed.digest));
        let (diagnostics, untold) = found.finish();
        NamedRule { rule: shared, diagnostics: diagnostics.into(), untold, digest: hash.finish() }
    }

    /// The digest of an evaluator that a flag refers to.
    pub(super) fn digest_of(&self, name: &str) -> Option<Digest> {
        self.compiled.borrow().by_name.get(name).map(|evaluator| evaluator.digest)
    }

    /// The evaluators that something refers to.
    pub(super) fn into_compiled(self) -> CompiledEvaluators {
        let mut compiled = self.compiled.into_inner();
        compiled.by_name.retain(|_, evaluator| {
            evaluator.rule.as_ref().is_none_or(|rule| Arc::strong_count(rule) > 1)
        });
        compiled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        compile,
        document::text::Format,
        flag::{
            Behaviour,
            rule::{Generation, Rule},
        },
        flag_file::layer::Layer,
    };
    use serde_json::json;

    /// A file of flags that refer to one evaluator, each with a member of its own.
    fn file(count: usize, own: usize, before: &Layer) -> Layer {
        let flag = |place: usize| {
            let own = if place == 0 { own } else { 0 };
            let rule = json!({"if": [{"$ref": "shared"}, "a", own]});
            json!({"variants": {"a": 1}, "defaultVariant": "a", "targeting": rule})
        };
        let flags: BTreeMap<_, _> =
            (0..count).map(|place| (format!("f{place}"), flag(place))).collect();
        let shared = json!({"and": [{"$ref": "inner"}, {"!": {"$ref": "inner"}}]});
        let evaluators = json!({"shared": shared, "inner": {">": [{"var": "a"}, 1]}});
        let file = json!({"flags": flags, "$evaluators": evaluators}).to_string();
        compile(file.as_bytes(), Format::Json, Generation::V2, before).unwrap().layer
    }

    /// The evaluator that the condition of a flag refers to.
    fn shared(layer: &Layer, key: &str) -> *const SharedRule {
        let Behaviour::Targeted(Rule::If(clauses)) = &layer.get(key).unwrap().flag().behaviour
        else {
            panic!("{key} has no condition")
        };
        let Rule::Shared(shared) = &clauses[0] else { panic!("{key} has a copy") };
        Arc::as_ptr(shared)
    }

    #[test]
    fn flags_share_one_evaluator_also_with_a_flag_that_changes_alone() {
        let before = file(3, 0, &Layer::default());
        assert_eq!(shared(&before, "f0"), shared(&before, "f2"));
        let after = file(3, 1, &before);
        assert!(!Arc::ptr_eq(before.get("f0").unwrap().flag(), after.get("f0").unwrap().flag()));
        assert_eq!(shared(&after, "f0"), shared(&before, "f2"));
    }
}
