//! The rules of required flags, each written once as an evaluator that other flags refer to.

use super::{requires::Refusal, segments::Segments};
use serde_json::{Map, Value as Json, json};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

/// What was written of the flags of a file that others require.
#[derive(Debug)]
pub(super) struct Prerequisites<'a> {
    /// Their evaluators have other names than segments and lists have.
    segments: &'a Segments<'a>,
    evaluators: RefCell<BTreeMap<String, Json>>,
    by_key: RefCell<BTreeMap<String, Prerequisite>>,
    /// Of each flag with a targeting of its own, why it cannot be required.
    refusals: RefCell<BTreeMap<String, Option<Refusal>>>,
}

/// A flag that others can require.
#[derive(Debug, Clone)]
pub(super) struct Prerequisite {
    /// The flags that are required with it, itself included.
    pub(super) count: usize,
    /// Its rule; `None` if everybody gets the default.
    rule: Option<Json>,
    /// That it serves a variant, by variant.
    conditions: BTreeMap<String, Json>,
}

impl<'a> Prerequisites<'a> {
    pub(super) fn new(segments: &'a Segments<'a>) -> Self {
        let (evaluators, by_key) = (RefCell::default(), RefCell::default());
        Self { segments, evaluators, by_key, refusals: RefCell::default() }
    }

    /// How many flags are required with one that was written before.
    pub(super) fn count(&self, key: &str) -> Option<usize> {
        self.by_key.borrow().get(key).map(|known| known.count)
    }

    /// Writes the rule of a flag.
    pub(super) fn write(&self, key: &str, count: usize, targeting: Option<Json>) {
        let rule = targeting.map(|rule| match rule {
            Json::String(everybody) => Json::String(everybody),
            rule => self.evaluator(format!("rule of {key:?}"), rule),
        });
        let written = Prerequisite { count, rule, conditions: BTreeMap::new() };
        self.by_key.borrow_mut().insert(key.to_owned(), written);
    }

    /// The condition that a flag serves a variant. `others` lists the flag's other variants if this
    /// one is served to contexts that no rule matches.
    pub(super) fn condition(
        &self,
        key: &str,
        variant: &str,
        others: Option<impl Fn() -> Json>,
    ) -> Option<Json> {
        let mut by_key = self.by_key.borrow_mut();
        let written = by_key.get_mut(key)?;
        let condition = match (&written.rule, others) {
            (None, others) => Json::Bool(others.is_some()),
            (Some(Json::String(everybody)), _) => Json::Bool(everybody == variant),
            (Some(rule), others) => match written.conditions.get(variant) {
                Some(known) => known.clone(),
                None => {
                    let condition = match others {
                        // A rule without a result serves this variant too.
                        Some(others) => json!({"!": [{"in": [rule, others()]}]}),
                        None => json!({"==": [rule, variant]}),
                    };
                    let name = format!("{key:?} serves {variant:?}");
                    let condition = self.evaluator(name, condition);
                    written.conditions.insert(variant.to_owned(), condition.clone());
                    condition
                }
            },
        };
        Some(condition)
    }

    /// Why a flag with a targeting of its own cannot be required; found once.
    pub(super) fn refusal(
        &self,
        key: &str,
        find: impl FnOnce() -> Option<Refusal>,
    ) -> Option<Refusal> {
        *self.refusals.borrow_mut().entry(key.to_owned()).or_insert_with(find)
    }

    /// Writes an evaluator, and gives a reference to it.
    fn evaluator(&self, mut name: String, rule: Json) -> Json {
        while self.segments.has_evaluator(&name) {
            name.push('\'');
        }
        self.evaluators.borrow_mut().insert(name.clone(), rule);
        json!({"$ref": name})
    }

    /// The evaluators, and their names.
    pub(super) fn finish(self) -> (Map<String, Json>, BTreeSet<String>) {
        let evaluators = self.evaluators.into_inner();
        let names = evaluators.keys().cloned().collect();
        (evaluators.into_iter().collect(), names)
    }
}
