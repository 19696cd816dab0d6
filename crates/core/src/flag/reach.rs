//! What a flag can answer, and what decides for it: the series that can happen.

use super::{
    evaluate::By,
    rule::{Literal, Rule},
};
use crate::flag::{
    model::{Behaviour, Flag, VariantIndex},
    split_summary::is_in as is_split_in,
};
use std::collections::BTreeSet;

/// The answers a flag can give.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The variants that the targeting can name, and what decides for each.
    pub named: BTreeSet<(VariantIndex, By)>,
    /// What can leave it to the default variant.
    pub default: BTreeSet<By>,
}

impl Flag {
    /// Everything the flag can answer; too much, where a result depends on the context.
    pub fn reach(&self) -> Reach {
        let mut reach = Reach::default();
        match &self.behaviour {
            Behaviour::Disabled | Behaviour::Broken(_) => {}
            Behaviour::Static => _ = reach.default.insert(By::Default),
            Behaviour::Targeted(rule) => {
                if !self.walk(rule, false, &mut reach) {
                    let split = is_split_in(rule).then_some(By::Split);
                    let by = || [By::Rule].into_iter().chain(split);
                    let all = 0..self.variants.len();
                    reach.named = all.flat_map(|index| by().map(move |by| (index, by))).collect();
                    reach.default = [By::Default].into_iter().chain(split).collect();
                }
            }
        }
        reach
    }

    /// Notes the results of a rule that may follow a split; false if they are not written out.
    fn walk(&self, rule: &Rule, after_split: bool, reach: &mut Reach) -> bool {
        let split = after_split.then_some(By::Split);
        match rule.resolved() {
            Rule::Literal(Literal::Null) => {
                reach.default.extend([By::Default].into_iter().chain(split));
            }
            Rule::Literal(Literal::String(name)) => self.name(name, By::Rule, split, reach),
            Rule::Literal(Literal::Bool(true)) => self.name("true", By::Rule, split, reach),
            Rule::Literal(Literal::Bool(false)) => self.name("false", By::Rule, split, reach),
            // Whoever gets there gets an error.
            Rule::Broken(_) | Rule::Literal(Literal::Object(_)) => {}
            Rule::If(clauses) => {
                let (pairs, otherwise) = clauses.as_chunks::<2>();
                let mut after_split = after_split;
                for [condition, result] in pairs {
                    after_split |= is_split_in(condition);
                    if !self.walk(result, after_split, reach) {
                        return false;
                    }
                }
                let null = Rule::Literal(Literal::Null);
                return self.walk(otherwise.first().unwrap_or(&null), after_split, reach);
            }
            Rule::Fractional(fractional) => {
                // Without a unit to bucket there is no result.
                reach.default.extend([By::Default].into_iter().chain(split));
                for entry in &fractional.entries {
                    match entry.variant.resolved() {
                        Rule::Literal(Literal::String(name)) => {
                            self.name(name, By::Split, None, reach);
                        }
                        Rule::Literal(Literal::Bool(bit)) => {
                            let name = if *bit { "true" } else { "false" };
                            self.name(name, By::Split, None, reach);
                        }
                        Rule::Literal(Literal::Null) => _ = reach.default.insert(By::Split),
                        _ => return false,
                    }
                }
            }
            _ => return false,
        }
        true
    }

    fn name(&self, name: &str, by: By, or: Option<By>, reach: &mut Reach) {
        if let Some(index) = self.variant_named(name) {
            reach.named.extend([by].into_iter().chain(or).map(|by| (index, by)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compile, document::text::Format, flag::rule::Generation, flag_file::layer::Layer};
    use serde_json::{Value as Json, json};

    #[track_caller]
    fn check(targeting: &Json, named: &[(VariantIndex, By)], default: &[By]) {
        let flag = json!({"state": "ENABLED", "variants": {"off": false, "on": true},
            "defaultVariant": "off", "targeting": targeting});
        let text = json!({"flags": {"f": flag}}).to_string();
        let compiled =
            compile(text.as_bytes(), Format::Json, Generation::V2, &Layer::default()).unwrap();
        let reach = compiled.layer.flags().next().unwrap().flag().reach();
        let expected = Reach {
            named: named.iter().copied().collect(),
            default: default.iter().copied().collect(),
        };
        assert_eq!(reach, expected, "{targeting}");
    }

    #[test]
    fn what_is_written_out_is_known() {
        let (off, on) = (0, 1);
        let split = json!({"fractional": [["on", 5], ["off", 95]]});
        let gate = json!({"fractional": [[true, 5], [false, 95]]});
        check(&json!({}), &[], &[By::Default]);
        check(&json!("on"), &[(on, By::Rule)], &[]);
        check(&json!({"if": [{"var": "a"}, "on"]}), &[(on, By::Rule)], &[By::Default]);
        check(&json!({"if": [{"var": "a"}, "on", "off"]}), &[(on, By::Rule), (off, By::Rule)], &[]);
        let both = [(off, By::Split), (on, By::Split)];
        check(&split, &both, &[By::Default]);
        check(
            &json!({"if": [{"var": "a"}, "on", split]}),
            &[(on, By::Rule), both[0], both[1]],
            &[By::Default],
        );
        check(
            &json!({"if": [gate, "on"]}),
            &[(on, By::Rule), (on, By::Split)],
            &[By::Default, By::Split],
        );
        check(
            &json!({"fractional": [["on", 5], [null, 95]]}),
            &both[1..],
            &[By::Default, By::Split],
        );
        check(&json!({"if": [{"var": "a"}, "nowhere", "on"]}), &[(on, By::Rule)], &[]);
    }

    #[test]
    fn what_depends_on_the_context_may_be_anything() {
        let rule = [(0, By::Rule), (1, By::Rule)];
        check(&json!({"var": "variant"}), &rule, &[By::Default]);
        let split = json!({"or": [{"fractional": [["on", 5], ["off", 95]]}, "on"]});
        let all = [(0, By::Rule), (1, By::Rule), (0, By::Split), (1, By::Split)];
        check(&split, &all, &[By::Default, By::Split]);
    }
}
