//! The rules of required flags, each written once as an evaluator that other flags refer to.

use super::{rule_text::RuleText, segments::Segments};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

/// What was written of the flags of a file that others require.
#[derive(Debug)]
pub(super) struct Prerequisites<'a> {
    /// Their evaluators have other names than segments and lists have.
    segments: &'a Segments<'a>,
    evaluators: RefCell<BTreeMap<String, RuleText>>,
    by_key: RefCell<BTreeMap<String, Prerequisite>>,
}

/// A flag that others can require.
#[derive(Debug, Clone)]
pub(super) struct Prerequisite {
    /// The flags that are required with it, itself included.
    pub(super) count: usize,
    /// Its rule; `None` if everybody gets the default.
    rule: Option<RuleText>,
    /// That it serves a variant, by variant.
    conditions: BTreeMap<String, RuleText>,
}

impl<'a> Prerequisites<'a> {
    pub(super) fn new(segments: &'a Segments<'a>) -> Self {
        let (evaluators, by_key) = (RefCell::default(), RefCell::default());
        Self { segments, evaluators, by_key }
    }

    /// How many flags are required with one that was written before.
    pub(super) fn count(&self, key: &str) -> Option<usize> {
        self.by_key.borrow().get(key).map(|known| known.count)
    }

    /// Writes the rule of a flag.
    pub(super) fn write(&self, key: &str, count: usize, targeting: Option<RuleText>) {
        let rule = targeting.map(|rule| match rule {
            everybody if everybody.is_text() => everybody,
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
        others: Option<impl Fn() -> Vec<RuleText>>,
    ) -> Option<RuleText> {
        let mut by_key = self.by_key.borrow_mut();
        let written = by_key.get_mut(key)?;
        let condition = match (&written.rule, others) {
            (None, others) => RuleText::truth(others.is_some()),
            (Some(everybody), _) if everybody.is_text() => {
                RuleText::truth(*everybody == RuleText::text(variant))
            }
            (Some(rule), others) => match written.conditions.get(variant) {
                Some(known) => known.clone(),
                None => {
                    let condition = match others {
                        // A rule without a result serves this variant too.
                        Some(others) => {
                            RuleText::compare("in", rule, &RuleText::list(&others())).not()
                        }
                        None => RuleText::compare("==", rule, &RuleText::text(variant)),
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

    /// Writes an evaluator, and gives a reference to it.
    fn evaluator(&self, mut name: String, rule: RuleText) -> RuleText {
        while self.segments.has_evaluator(&name) {
            name.push('\'');
        }
        let reference = RuleText::reference(&name);
        self.evaluators.borrow_mut().insert(name, rule);
        reference
    }

    /// The evaluators, and their names.
    pub(super) fn finish(self) -> (BTreeMap<String, RuleText>, BTreeSet<String>) {
        let evaluators = self.evaluators.into_inner();
        let names = evaluators.keys().cloned().collect();
        (evaluators, names)
    }
}
