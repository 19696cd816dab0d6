//! What changed between two definitions of a flag, in words for a person.

use super::{Behaviour, Flag, Split, Variant};

/// Describes the change from a flag at a moment to one at another. A change that no word fits is
/// a change of metadata, or one that the clock made alone.
pub(crate) fn describe((before, then): (&Flag, i64), (after, now): (&Flag, i64)) -> String {
    let served = after.default_name().unwrap_or_default();
    match (before.is_overridden(), after.is_overridden()) {
        (true, true) if before.default == after.default => {
            return "changed below its override".to_owned();
        }
        (_, true) => return format!("overridden with {served} for everyone"),
        (true, false) => return "override ended".to_owned(),
        (false, false) => {}
    }
    let moved = || match (before.split_at(then), after.split_at(now)) {
        (Some(before), Some(after)) => describe_split(&before, &after),
        _ => None,
    };
    if means_the_same(before, after) {
        let variant = || Some((before.variant_at(then)?, after.variant_at(now)?));
        let changed = || variant().filter(|(then, now)| then != now);
        let changed = || changed().map(|(then, now)| format!("{then} → {now}"));
        let change = moved().or_else(changed).unwrap_or_else(|| "other rules apply".to_owned());
        return format!("{change} by the clock");
    }
    let mut changes = Vec::new();
    match (before.is_disabled(), after.is_disabled()) {
        (false, true) => changes.push("switched off".to_owned()),
        (true, false) => changes.push("switched on".to_owned()),
        _ => {}
    }
    if before.default_name() != after.default_name() {
        let name = |flag: &Flag| flag.default_name().unwrap_or("the caller's").to_owned();
        changes.push(format!("default {} → {}", name(before), name(after)));
    }
    if before.digests.targeting != after.digests.targeting {
        changes.push(moved().unwrap_or_else(|| match &after.behaviour {
            Behaviour::Static => "rules removed".to_owned(),
            _ => "rules changed".to_owned(),
        }));
    }
    if before.variants != after.variants {
        changes.push("variants changed".to_owned());
    }
    if changes.is_empty() {
        changes.push("metadata changed".to_owned());
    }
    changes.join(", ")
}

/// Whether nobody changed the flag; if there is news of it all the same, the clock made it.
pub(crate) fn means_the_same(before: &Flag, after: &Flag) -> bool {
    before.digest() == after.digest()
}

/// The first share that is another than it was; `None` if all shares are what they were.
fn describe_split(before: &Split, after: &Split) -> Option<String> {
    let mut shares = after.ratios().into_iter().map(|(name, now)| (name, before.ratio(name), now));
    let (name, then, now) = shares.find(|(_, then, now)| then != now)?;
    Some(format!("{name} {} → {}", percent(then * 100.0), percent(now * 100.0)))
}

/// At most three decimals, and none that say nothing.
fn percent(share: f64) -> String {
    let text = format!("{share:.3}");
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

impl Flag {
    fn default_name(&self) -> Option<&str> {
        self.default().map(Variant::name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flag::{Format, Generation, Layer, LayerFlag, compile};
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn flag(definition: &Value) -> Arc<Flag> {
        let text = json!({"flags": {"f": definition}}).to_string();
        let compiled =
            compile(text.as_bytes(), Format::Json, Generation::V2, &Layer::default()).unwrap();
        Arc::clone(compiled.layer.flags().next().unwrap().flag())
    }

    fn described(before: &Flag, after: &Flag) -> String {
        describe((before, 0), (after, 0))
    }

    /// Checks the words for a change of some members of one flag.
    #[track_caller]
    fn check(change: &Value, expected: &str) {
        let before = json!({
            "state": "ENABLED",
            "variants": {"on": true, "off": false},
            "defaultVariant": "off",
            "targeting": {"if": [{"var": "beta"}, {"fractional": [["on", 5], ["off", 95]]}]},
            "metadata": {"owner": "checkout"},
        });
        let mut after = before.clone();
        for (member, value) in change.as_object().unwrap() {
            after[member] = value.clone();
        }
        assert_eq!(described(&flag(&before), &flag(&after)), expected);
    }

    fn split(shares: &Value) -> Value {
        json!({"targeting": {"if": [{"var": "beta"}, {"fractional": shares}]}})
    }

    #[test]
    fn a_rollout_is_told_by_the_first_share_that_moved() {
        check(&split(&json!([["on", 25], ["off", 75]])), "on 5% → 25%");
        check(&split(&json!([["on", 0], ["off", 100]])), "on 5% → 0%");
        check(&split(&json!([["on", 1], ["off", 2]])), "on 5% → 33.333%");
        check(&split(&json!([["on", 5], ["new", 5], ["off", 90]])), "new 0% → 5%");
        check(&split(&json!([["off", 95], ["on", 5]])), "rules changed");
        check(&split(&json!([["on", 5]])), "on 5% → 100%");
    }

    #[test]
    fn what_the_clock_does_is_told_as_such() {
        let after = |moment: i64| json!({">=": [{"var": "$flagd.timestamp"}, moment]});
        let told = |targeting: &Value, moments: &[i64]| {
            let flag = flag(&json!({"state": "ENABLED", "variants": {"on": true, "off": false},
                "defaultVariant": "off", "targeting": targeting}));
            let told = moments.windows(2).map(|at| describe((&flag, at[0]), (&flag, at[1])));
            told.collect::<Vec<_>>()
        };
        let split = |on: u32| json!({"fractional": [["on", on], ["off", 100 - on]]});
        let steps = json!({"if": [after(40), "on", after(30), split(25), after(20), split(5)]});
        let expected = [
            "on 0% → 5% by the clock",
            "on 5% → 25% by the clock",
            "on 25% → 100% by the clock",
            "on 100% → 5% by the clock",
        ];
        assert_eq!(told(&steps, &[10, 20, 30, 40, 25]), expected);
        let beta = json!({"var": "beta"});
        let sale = json!({"if": [{"!": [after(20)]}, "off", after(30), "off", "on"]});
        let expected = ["off → on by the clock", "on → off by the clock"];
        assert_eq!(told(&sale, &[10, 20, 30]), expected);
        let sale = json!({"if": [{"and": [beta, after(20)]}, "on"]});
        assert_eq!(told(&sale, &[10, 20]), ["other rules apply by the clock"]);
    }

    #[test]
    fn every_other_change_has_its_words() {
        check(&json!({"state": "DISABLED"}), "switched off");
        check(&json!({"defaultVariant": "on"}), "default off → on");
        check(&json!({"defaultVariant": null}), "default off → the caller's");
        check(&json!({"targeting": {}}), "rules removed");
        check(&json!({"targeting": {"if": [true, "on"]}}), "rules changed");
        check(&json!({"variants": {"on": 1, "off": 0}}), "variants changed");
        check(&json!({"metadata": {"owner": "search"}}), "metadata changed");
        check(
            &json!({"state": "DISABLED", "defaultVariant": "on"}),
            "switched off, default off → on",
        );
        let on = flag(&json!({"state": "ENABLED", "variants": {"on": 1}}));
        let off = flag(&json!({"state": "DISABLED", "variants": {"on": 1}}));
        assert_eq!(described(&off, &on), "switched on");
    }

    #[test]
    fn an_override_is_told_as_such() {
        let layer = |owner: &str| {
            let flag = json!({"state": "ENABLED", "variants": {"on": 1, "off": 0},
                "metadata": {"owner": owner}});
            let text = json!({"flags": {"f": flag}}).to_string();
            compile(text.as_bytes(), Format::Json, Generation::V2, &Layer::default()).unwrap().layer
        };
        let (layer, other) = (layer("checkout"), layer("search"));
        let [below, other] = [&layer, &other].map(|layer| layer.get("f").unwrap());
        let [on, off] = ["on", "off"].map(|variant| below.overridden(variant).unwrap());
        let told = |before: &LayerFlag, after: &LayerFlag| described(before.flag(), after.flag());
        assert_eq!(told(below, &off), "overridden with off for everyone");
        assert_eq!(told(&off, &on), "overridden with on for everyone");
        assert_eq!(told(&on, below), "override ended");
        let same = other.overridden("on").unwrap();
        assert_eq!(told(&on, &same), "changed below its override");
    }
}
