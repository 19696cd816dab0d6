//! The evaluators of a file, each compiled once however many flags refer to it.
//!
//! A layer keeps them, so that a flag that changes alone refers to the evaluators that its
//! neighbours refer to, and not to copies.

use super::{digest, references::References, rule::RuleCompiler, scope::FileScope};
use crate::flag::{
    Digest,
    diagnostic::{Diagnostic, Path},
    problems::{MOST_TOLD, Problems},
    rule::SharedRule,
};
use serde_json::Value as Json;
use std::{
    cell::{OnceCell, RefCell},
    collections::BTreeMap,
    sync::Arc,
};

/// An evaluator as compiled.
#[derive(Debug, Clone)]
pub(in crate::flag) struct Evaluator {
    /// `None` if it exceeds a bound; an error among the diagnostics says which.
    pub(super) rule: Option<Arc<SharedRule>>,
    pub(super) diagnostics: Arc<[Diagnostic]>,
    /// Diagnostics for which there was no room.
    pub(super) untold: usize,
    /// Of its text and of the evaluators that it refers to.
    digest: Digest,
}

/// Compiled evaluators by name, and the digest of the file's shared parts that they belong to.
#[derive(Debug, Clone, Default)]
pub(in crate::flag) struct Compiled {
    of: Digest,
    by_name: BTreeMap<Box<str>, Evaluator>,
}

/// The evaluators of a file.
#[derive(Debug)]
pub(super) struct Evaluators {
    written: BTreeMap<String, Json>,
    references: OnceCell<References>,
    compiled: RefCell<Compiled>,
}

impl Evaluators {
    /// Evaluators of a file whose shared parts have the digest `of`; those that were `compiled`
    /// from the same parts are not compiled again.
    pub(super) fn new(written: BTreeMap<String, Json>, of: Digest, compiled: &Compiled) -> Self {
        let is_same = compiled.of == of;
        let by_name = if is_same { compiled.by_name.clone() } else { BTreeMap::new() };
        let compiled = RefCell::new(Compiled { of, by_name });
        Self { written, references: OnceCell::new(), compiled }
    }

    /// Rules as written by the name that `$ref` refers to them by.
    pub(super) fn written(&self) -> &BTreeMap<String, Json> {
        &self.written
    }

    /// The cycle that a reference from one evaluator to another would close.
    pub(super) fn cycle(&self, from: &str, to: &str) -> Option<&str> {
        self.references().cycle(from, to)
    }

    fn references(&self) -> &References {
        self.references.get_or_init(|| References::of(&self.written))
    }

    /// The evaluator of a name, compiled at the first call after those that it needs.
    pub(super) fn get(&self, name: &str, scope: &FileScope) -> Option<Evaluator> {
        if let Some(known) = self.compiled.borrow().by_name.get(name) {
            return Some(known.clone());
        }
        let is_known = |name: &str| self.compiled.borrow().by_name.contains_key(name);
        let order = self.references().in_order(name, is_known);
        for name in order {
            let (name, rule) = self.written.get_key_value(name)?;
            let evaluator = self.compile(name, rule, scope);
            self.compiled.borrow_mut().by_name.insert(name.as_str().into(), evaluator);
        }
        self.compiled.borrow().by_name.get(name).cloned()
    }

    /// Compiles an evaluator; those that it needs are known.
    fn compile(&self, name: &str, rule: &Json, scope: &FileScope) -> Evaluator {
        let mut found = Problems::with_room(MOST_TOLD);
        let path = Path::from("$evaluators").member(name);
        let mut compiler = RuleCompiler::new(scope, path, &mut found).within(name);
        let shared = compiler.compile_shared(rule);
        let needed = compiler.references();
        let text = serde_json::to_vec(rule).unwrap_or_default();
        let known = self.compiled.borrow();
        let needed = needed.iter().filter_map(|name| known.by_name.get(*name));
        let needed = needed.map(|needed| needed.digest.as_slice());
        let digest = digest([name.as_bytes(), &text].into_iter().chain(needed));
        let (diagnostics, untold) = found.finish();
        Evaluator { rule: shared, diagnostics: diagnostics.into(), untold, digest }
    }

    /// What an evaluator that a flag refers to is told apart by.
    pub(super) fn digest_of(&self, name: &str) -> Option<Digest> {
        self.compiled.borrow().by_name.get(name).map(|evaluator| evaluator.digest)
    }

    /// The evaluators that something refers to.
    pub(super) fn into_compiled(self) -> Compiled {
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
    use crate::flag::{Behaviour, Format, Generation, Layer, compile, rule::Rule};
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
