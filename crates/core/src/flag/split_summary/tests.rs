//! Which split is told of a rule at a moment.

use super::*;
use crate::{compile, document::text::Format, flag::rule::Generation, flag_file::layer::Layer};
use serde_json::{Value as Json, json};
use std::sync::Arc;

fn flag(targeting: &Json) -> Arc<Flag> {
    let flag = json!({"state": "ENABLED", "variants": {"off": 0, "on": 1, "old": 2},
        "defaultVariant": "off", "targeting": targeting});
    let text = json!({"flags": {"f": flag}}).to_string();
    let compiled =
        compile(text.as_bytes(), Format::Json, Generation::V2, &Layer::default()).unwrap();
    Arc::clone(compiled.layer.flags().next().unwrap().flag())
}

fn after(moment: i64) -> Json {
    json!({">=": [{"var": "$flagd.timestamp"}, moment]})
}

fn split(on: u32) -> Json {
    json!({"fractional": [["on", on], ["off", 100 - on]]})
}

/// Checks the shares at moments: none, or such as `on 25, off 75`.
#[track_caller]
fn check(targeting: &Json, expected: &[(i64, &str)]) {
    let flag = flag(targeting);
    for (at, expected) in expected {
        let split = flag.split_at(*at);
        let ratios = split.iter().flat_map(Split::ratios);
        let told: Vec<_> =
            ratios.map(|(name, ratio)| format!("{name} {}", ratio * 100.0)).collect();
        assert_eq!(told.join(", "), *expected, "{targeting} at {at}");
    }
}

#[test]
fn one_split_decides_at_any_time() {
    let beta = json!({"var": "beta"});
    check(&split(25), &[(0, "on 25, off 75")]);
    check(&json!({"if": [beta, "on", split(25)]}), &[(0, "on 25, off 75")]);
    check(&json!({"if": [beta, split(5), split(25)]}), &[(0, "")]);
    check(&json!({"if": [{"==": [split(50), "on"]}, split(25)]}), &[(0, "")]);
    check(&json!({"fractional": [["on", 1], ["off", 2], ["on", 1]]}), &[(0, "on 50, off 50")]);
    check(&json!({"fractional": [["on", beta], ["off", 2]]}), &[(0, "")]);
    check(&json!("on"), &[(0, "")]);
}

#[test]
fn of_the_steps_of_a_rollout_the_one_in_force_counts() {
    let nobody = "on 0, off 100";
    let steps = [(10, nobody), (20, "on 5, off 95"), (30, "on 25, off 75"), (40, "on 100, off 0")];
    let plan = json!({"if": [after(40), "on", after(30), split(25), after(20), split(5)]});
    check(&plan, &steps);
    let country = json!({"==": [{"var": "country"}, "DE"]});
    check(&json!({"if": [country, "old", plan]}), &steps);
    check(&json!({"if": [country, "old", {"var": "company"}, plan, "off"]}), &steps);
    check(&json!({"if": [after(40), "on", after(20), split(5), "off"]}), &[(10, nobody)]);
    // What everybody gets may be none of the shares.
    let plan = json!({"if": [{"<": [{"var": "$flagd.timestamp"}, 20]}, "old", split(5)]});
    check(&plan, &[(10, "on 0, off 0, old 100"), (20, "on 5, off 95")]);
}

#[test]
fn a_rule_of_others_beside_a_split_does_not_count() {
    let beta = json!({"var": "beta"});
    let sale = json!({"if": [{"and": [beta, after(20)]}, "on", split(5)]});
    check(&sale, &[(10, "on 5, off 95"), (30, "on 5, off 95")]);
    let for_beta = json!({"if": [beta, {"if": [after(20), "on"]}, split(5)]});
    check(&for_beta, &[(10, "on 5, off 95"), (30, "on 5, off 95")]);
    let launch = json!({"if": [after(30), "off", after(20), "on"]});
    check(&launch, &[(10, ""), (20, ""), (30, "")]);
    let company = json!({"if": [{"var": "company"}, split(5)]});
    let plan = json!({"if": [after(20), company]});
    check(&plan, &[(10, "on 0, off 100"), (20, "on 5, off 95")]);
}
