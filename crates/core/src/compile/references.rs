//! Which evaluators refer to which, and in which order they can be compiled.
//!
//! The search keeps its own stack, because a chain of evaluators can be as long as a file.

use crate::document::json::Json;
use std::collections::{BTreeMap, BTreeSet};

/// The references between the evaluators of a file. Those that would close a cycle are cut.
#[derive(Debug, Default)]
pub(super) struct References {
    /// By name: the evaluators that one needs, without the references that are cut.
    needs: BTreeMap<String, Vec<String>>,
    /// Each reference that is cut, with the cycle that it would close.
    cycles: BTreeMap<String, BTreeMap<String, String>>,
}

/// Longer cycles are shortened in messages.
const LONGEST_CYCLE: usize = 10;

impl References {
    /// Finds the references between evaluators, given the names that each refers to.
    pub(super) fn of<'a>(
        evaluators: impl Iterator<Item = (&'a str, &'a BTreeSet<String>)> + Clone,
    ) -> Self {
        let known: BTreeSet<&str> = evaluators.clone().map(|(name, _)| name).collect();
        let mut search = ReferenceSearch::default();
        for (name, names) in evaluators {
            let names = names.iter().map(String::as_str).filter(|name| known.contains(name));
            search.needs.insert(name, names.collect());
        }
        for name in &known {
            search.from(name);
        }
        let needs = search.needs.into_iter().map(|(name, needed)| {
            let cut = search.cycles.get(name);
            let is_cut = |needed: &&str| cut.is_some_and(|cut| cut.contains_key(*needed));
            let kept = needed.into_iter().filter(|needed| !is_cut(needed)).map(str::to_owned);
            (name.to_owned(), kept.collect())
        });
        Self { needs: needs.collect(), cycles: search.cycles }
    }

    /// The cycle that a reference from one evaluator to another would close.
    pub(super) fn cycle(&self, from: &str, to: &str) -> Option<&str> {
        Some(self.cycles.get(from)?.get(to)?)
    }

    /// The first evaluator with a reference that would close a cycle, and that cycle.
    pub(super) fn first_cycle(&self) -> Option<(&str, &str)> {
        let (from, cut) = self.cycles.first_key_value()?;
        Some((from, cut.values().next()?))
    }

    /// The evaluators that one needs, each after those that it needs itself; it is the last. Those
    /// that `is_known` are left out with all that only they need.
    pub(super) fn in_order<'a>(
        &'a self,
        name: &'a str,
        is_known: impl Fn(&str) -> bool,
    ) -> Vec<&'a str> {
        let (mut order, mut seen) = (Vec::new(), BTreeSet::from([name]));
        let mut open = vec![(name, self.needed_by(name))];
        while let Some((at, rest)) = open.last_mut() {
            match rest.next() {
                Some(next) if is_known(next) || !seen.insert(next) => {}
                Some(next) => open.push((next, self.needed_by(next))),
                None => {
                    order.push(*at);
                    open.pop();
                }
            }
        }
        order
    }

    fn needed_by<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.needs.get(name).into_iter().flatten().map(String::as_str)
    }
}

/// A search for cycles, depth first.
#[derive(Default)]
struct ReferenceSearch<'a> {
    needs: BTreeMap<&'a str, Vec<&'a str>>,
    done: BTreeSet<&'a str>,
    /// The evaluators between the first and the one at hand, with the place of each.
    above: BTreeMap<&'a str, usize>,
    path: Vec<&'a str>,
    cycles: BTreeMap<String, BTreeMap<String, String>>,
}

impl<'a> ReferenceSearch<'a> {
    fn from(&mut self, first: &'a str) {
        let mut places = vec![0];
        if !self.enter(first) {
            return;
        }
        while let (Some(place), Some(&at)) = (places.last_mut(), self.path.last()) {
            let next = self.needs.get(at).and_then(|needed| needed.get(*place)).copied();
            *place += 1;
            match next {
                None => {
                    self.path.pop();
                    self.above.remove(at);
                    places.pop();
                }
                Some(next) => match self.above.get(next) {
                    Some(begins) => {
                        let cycle = written(self.path.get(*begins..).unwrap_or_default(), next);
                        let cycles = self.cycles.entry(at.to_owned()).or_default();
                        cycles.insert(next.to_owned(), cycle);
                    }
                    None => {
                        if self.enter(next) {
                            places.push(0);
                        }
                    }
                },
            }
        }
    }

    /// Goes on to an evaluator, unless the search was there.
    fn enter(&mut self, name: &'a str) -> bool {
        let is_new = self.done.insert(name);
        if is_new {
            self.above.insert(name, self.path.len());
            self.path.push(name);
        }
        is_new
    }
}

/// A cycle as text: `a -> b -> a`.
fn written(cycle: &[&str], first: &str) -> String {
    let shown = cycle.get(..LONGEST_CYCLE).map_or_else(
        || cycle.join(" -> "),
        |shown| match cycle.len() - shown.len() {
            0 => shown.join(" -> "),
            more => format!("{} -> ({more} more)", shown.join(" -> ")),
        },
    );
    format!("{shown} -> {first}")
}

/// Adds the names that a rule refers to.
pub(super) fn gather(rule: Json<'_>, names: &mut BTreeSet<String>) {
    match rule {
        Json::Array(elements) => elements.iter().for_each(|element| gather(element, names)),
        // An object with any other number of members is data.
        Json::Object(members) => match members.only() {
            Some((operator, Json::String(name))) if operator == "$ref" => {
                let name = name.get();
                if !names.contains(&*name) {
                    names.insert(name.into_owned());
                }
            }
            Some((_, argument)) => gather(argument, names),
            None => {}
        },
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::json::Indexed;
    use serde_json::{Value, json};

    fn of<'a>(evaluators: impl Iterator<Item = (String, &'a Value)>) -> References {
        let names = evaluators.map(|(name, rule)| {
            let mut names = BTreeSet::new();
            gather(Indexed::new(&rule.to_string()).unwrap().value(), &mut names);
            (name, names)
        });
        let names: Vec<_> = names.collect();
        References::of(names.iter().map(|(name, names)| (name.as_str(), names)))
    }

    fn references(evaluators: &Value) -> References {
        of(evaluators.as_object().unwrap().iter().map(|(name, rule)| (name.clone(), rule)))
    }

    #[test]
    fn an_evaluator_follows_those_that_it_needs_and_each_is_named_once() {
        let both = |name: &str| json!({"and": [{"$ref": name}, {"$ref": name}]});
        let found = references(&json!({
            "a": {"or": [{"$ref": "b"}, {"$ref": "c"}, {"$ref": "nowhere"}]},
            "b": both("d"), "c": both("d"), "d": {"x": {"$ref": "a"}, "y": 1},
        }));
        assert_eq!(found.in_order("a", |_| false), ["d", "b", "c", "a"]);
        assert_eq!(found.in_order("a", |name| name == "b"), ["d", "c", "a"]);
        assert_eq!(found.cycle("d", "a"), None, "data is not a reference");
    }

    #[test]
    fn a_cycle_is_cut_where_it_closes() {
        let to = |name: &str| json!({"!": {"$ref": name}});
        let found = references(&json!({"a": to("b"), "b": to("c"), "c": to("a"), "d": to("d")}));
        assert_eq!(found.cycle("c", "a"), Some("a -> b -> c -> a"));
        assert_eq!(found.cycle("d", "d"), Some("d -> d"));
        assert_eq!(found.cycle("a", "b"), None);
        assert_eq!(found.in_order("c", |_| false), ["c"]);
        assert_eq!(found.in_order("b", |_| false), ["c", "b"]);
    }

    #[test]
    fn a_chain_as_long_as_a_file_takes_no_stack() {
        let last = 100_000;
        let link =
            |at: usize| (format!("{at:06}"), json!({"!": {"$ref": format!("{:06}", at + 1)}}));
        let chain: BTreeMap<_, _> = (0..last).map(link).collect();
        let found = of(chain.iter().map(|(name, rule)| (name.clone(), rule)));
        let order = found.in_order("000000", |_| false);
        assert_eq!((order.len(), order[0]), (last, "099999"));
        let circle: BTreeMap<_, _> =
            chain.into_iter().chain([(format!("{last:06}"), json!({"$ref": "000000"}))]).collect();
        let found = of(circle.iter().map(|(name, rule)| (name.clone(), rule)));
        let cycle = found.cycle("100000", "000000").unwrap();
        assert!(cycle.ends_with("000009 -> (99991 more) -> 000000"), "{cycle}");
    }
}
