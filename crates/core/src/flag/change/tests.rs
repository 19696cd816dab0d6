//! The words for each kind of change.

use super::*;
use crate::{
    compile,
    document::text::Format,
    flag::rule::Generation,
    flag_file::layer::{Layer, LayerFlag},
};
use serde_json::{Value, json};
use std::sync::Arc;

fn flag(definition: &Value) -> Arc<Flag> {
    let text = json!({"flags": {"f": definition}}).to_string();
    let compiled =
        compile(text.as_bytes(), Format::Json, Generation::V2, &Layer::default()).unwrap();
    Arc::clone(compiled.layer.flags().next().unwrap().flag())
}

fn described(before: &Flag, after: &Flag) -> String {
    let at = |flag| FlagAt { flag, at: 0 };
    describe(at(before), at(after)).words
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
fn a_rollout_is_named_by_the_first_share_that_changed() {
    check(&split(&json!([["on", 25], ["off", 75]])), "on 5 % → 25 %");
    check(&split(&json!([["on", 0], ["off", 100]])), "on 5 % → 0 %");
    check(&split(&json!([["on", 1], ["off", 2]])), "on 5 % → 33.333 %");
    check(&split(&json!([["on", 5], ["new", 5], ["off", 90]])), "new 0 % → 5 %");
    check(&split(&json!([["off", 95], ["on", 5]])), "rules changed");
    check(&split(&json!([["on", 5]])), "on 5 % → 100 %");
}

#[test]
fn a_change_by_the_clock_names_its_step() {
    let after = |moment: i64| json!({">=": [{"var": "$flagd.timestamp"}, moment]});
    let told = |targeting: &Value, moments: &[i64]| {
        let flag = flag(&json!({"state": "ENABLED", "variants": {"on": true, "off": false},
            "defaultVariant": "off", "targeting": targeting}));
        let flag_at = |at| FlagAt { flag: &flag, at };
        let told = moments.windows(2).map(|at| describe(flag_at(at[0]), flag_at(at[1])).words);
        told.collect::<Vec<_>>()
    };
    let split = |on: u32| json!({"fractional": [["on", on], ["off", 100 - on]]});
    let steps = json!({"if": [after(40), "on", after(30), split(25), after(20), split(5)]});
    let expected = [
        "step of 1 Jan, on 0 % → 5 %",
        "step of 1 Jan, on 5 % → 25 %",
        "step of 1 Jan, on 25 % → 100 %",
        "clock set back, on 100 % → 5 %",
    ];
    assert_eq!(told(&steps, &[10, 20, 30, 40, 25]), expected);
    let beta = json!({"var": "beta"});
    let sale = json!({"if": [{"!": [after(20)]}, "off", after(30), "off", "on"]});
    let expected = ["step of 1 Jan, off → on", "step of 1 Jan, on → off"];
    assert_eq!(told(&sale, &[10, 20, 30]), expected);
    let sale = json!({"if": [{"and": [beta, after(20)]}, "on"]});
    assert_eq!(told(&sale, &[10, 20]), ["step of 1 Jan, other rules apply"]);
}

#[test]
fn each_other_change_has_its_words() {
    check(&json!({"state": "DISABLED"}), "DISABLED: clients use the default in their code");
    check(&json!({"defaultVariant": "on"}), "default off → on");
    check(&json!({"defaultVariant": null}), "default off → the caller's");
    check(&json!({"targeting": {}}), "rules removed, everyone gets off");
    check(&json!({"targeting": {"if": [true, "on"]}}), "rules changed");
    check(&json!({"variants": {"on": 1, "off": 0}}), "variants changed");
    check(&json!({"metadata": {"owner": "search"}}), "metadata changed");
    check(
        &json!({"state": "DISABLED", "defaultVariant": "on"}),
        "DISABLED: clients use the default in their code",
    );
    let on = flag(&json!({"state": "ENABLED", "variants": {"on": 1}}));
    let off = flag(&json!({"state": "DISABLED", "variants": {"on": 1}}));
    assert_eq!(described(&off, &on), "ENABLED: clients use the default in their code");
}

#[test]
fn an_override_starts_changes_and_ends() {
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
    assert_eq!(told(below, &off), "override starts: everyone gets off");
    assert_eq!(told(&off, &on), "override changes: everyone gets on");
    assert_eq!(told(&on, below), "override ends: clients use the default in their code");
    let same = other.overridden("on").unwrap();
    assert_eq!(told(&on, &same), "changed below its override");
}

/// The change from one readable flag to another, each the body of `f`.
fn readable(before: &str, after: &str) -> FlagChange {
    let [before, after] = [before, after].map(|body| {
        let text = format!("flagstaff: 1\nbucketing: v2\nflags:\n  f: {{ {body} }}\n");
        let compiled =
            compile(text.as_bytes(), Format::Yaml, Generation::V2, &Layer::default()).unwrap();
        Arc::clone(compiled.layer.flags().next().unwrap().flag())
    });
    let at = |flag| FlagAt { flag, at: 0 };
    describe(at(&before), at(&after))
}

#[test]
fn a_kill_is_named_whatever_else_changes() {
    for (before, after, words) in [
        ("rollout: 5%", "rollout: 5%, killed: true", "killed: everyone gets off"),
        ("rollout: 5%", "rollout: 25%, killed: true", "killed: everyone gets off"),
        ("serve: on", "serve: on, killed: true", "killed: everyone gets off"),
        // No answer changes.
        ("serve: off", "serve: off, killed: true", "killed: everyone gets off"),
        ("serve: off, state: DISABLED", "serve: off, killed: true", "killed: everyone gets off"),
        ("serve: on, killed: true", "serve: on", "no longer killed: everyone gets on"),
        ("rollout: 5%, killed: true", "rollout: 5%", "no longer killed: on 5 %"),
        ("serve: on", "serve: off", "default on → off"),
        ("rollout: 5%", "serve: off", "rules removed, everyone gets off"),
    ] {
        let change = readable(before, after);
        assert_eq!(change, FlagChange { weight: Weight::Kill, words: words.to_owned() });
    }
    let change = readable("serve: off", "serve: off, state: DISABLED");
    assert_eq!(change.weight, Weight::State);
    for (before, after) in [("rollout: 5%", "rollout: 6%"), ("serve: off", "serve: on")] {
        assert_eq!(readable(before, after).weight, Weight::Other, "{before}");
    }
}

#[test]
fn a_step_is_dated_in_the_zone_of_the_file() {
    let text = "flagstaff: 1\nbucketing: v2\ntime_zone: Asia/Tokyo\nflags:\n  f:\n    rollout:\n      \
                - 10% from 2026-12-01\n      - 20% from 2026-12-03\n";
    let compiled =
        compile(text.as_bytes(), Format::Yaml, Generation::V2, &Layer::default()).unwrap();
    let flag = Arc::clone(compiled.layer.flags().next().unwrap().flag());
    let at = |at| FlagAt { flag: &flag, at };
    let second_step = 1_796_223_600;
    let words = "step of 3 Dec, on 10 % → 20 %".to_owned();
    let expected = FlagChange { weight: Weight::Other, words };
    assert_eq!(describe(at(second_step - 1), at(second_step)), expected);
    let next = flag.next_change(second_step - 1).unwrap();
    assert_eq!(next, NextChange { at: second_step, words: "on 10 % → 20 %".to_owned() });
    assert_eq!(flag.moment(next.at).unwrap(), "2026-12-03 00:00 Asia/Tokyo");
    assert_eq!(flag.next_change(second_step), None);
}
