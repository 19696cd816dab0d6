//! When comparisons come out differently, held against what a flag answers then.

use super::*;
use crate::{
    compile,
    document::text::Format,
    flag::{
        context::{Evaluator, Scratch},
        evaluate::Outcome,
        rule::Generation,
    },
    flag_file::layer::Layer,
};
use serde_json::{Value as Json, json};
use std::sync::Arc;

fn flag(members: &Json) -> Arc<Flag> {
    let mut flag = json!({"state": "ENABLED", "variants": {"off": 0, "on": 1},
        "defaultVariant": "off"});
    for (name, value) in members.as_object().unwrap() {
        flag[name] = value.clone();
    }
    let file = json!({"$evaluators": {"launched": {">=": [now(), 700]}}, "flags": {"f": flag}});
    let file = file.to_string();
    let compiled =
        compile(file.as_bytes(), Format::Json, Generation::V2, &Layer::default()).unwrap();
    Arc::clone(compiled.layer.flags().next().unwrap().flag())
}

fn now() -> Json {
    json!({"var": "$flagd.timestamp"})
}

fn boundaries(targeting: &Json) -> Vec<i64> {
    flag(&json!({"targeting": targeting})).boundaries()
}

fn answer(flag: &Flag, at: i64) -> String {
    let mut scratch = Scratch::default();
    match Evaluator::new(&mut scratch, &[], at).unwrap().evaluate(flag) {
        Outcome::Variant { index, .. } => flag.variants()[index].name().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Checks the boundaries of a condition, and that it comes out differently there alone.
#[track_caller]
fn check(condition: &Json, expected: &[i64]) {
    let flag = flag(&json!({"targeting": {"if": [condition, "on", "off"]}}));
    assert_eq!(flag.boundaries(), expected, "{condition}");
    let changes = (1..1000).filter(|at| answer(&flag, *at) != answer(&flag, at - 1));
    assert_eq!(changes.collect::<Vec<_>>(), expected, "{condition}");
}

#[test]
fn a_comparison_changes_at_the_second_an_answer_does() {
    for (operator, number, expected) in [
        ("<", json!(500), vec![500]),
        ("<=", json!(500), vec![501]),
        (">", json!(500), vec![501]),
        (">=", json!(500), vec![500]),
        ("==", json!(500), vec![500, 501]),
        ("===", json!(500), vec![500, 501]),
        ("!=", json!(500), vec![500, 501]),
        ("!==", json!(500), vec![500, 501]),
        ("<", json!(500.5), vec![501]),
        ("<=", json!(500.5), vec![501]),
        (">", json!(500.5), vec![501]),
        (">=", json!(500.5), vec![501]),
        ("==", json!(500.5), vec![]),
        ("<", json!("500"), vec![500]),
        ("==", json!("500"), vec![500, 501]),
        ("===", json!("500"), vec![]),
        ("!==", json!("500"), vec![]),
    ] {
        check(&json!({operator: [now(), number]}), &expected);
    }
    for (operator, expected) in [("<", 501), ("<=", 500), (">", 500), (">=", 501)] {
        check(&json!({operator: [500, now()]}), &[expected]);
    }
}

#[test]
fn what_lies_between_two_moments_begins_and_ends() {
    check(&json!({"<": [100, now(), 200]}), &[101, 200]);
    check(&json!({"<=": [100, now(), 200]}), &[100, 201]);
    check(&json!({">": [200, now(), 100]}), &[101, 200]);
    check(&json!({">=": [200, now(), 100]}), &[100, 201]);
    // flagd compares the first two only.
    check(&json!({"==": [now(), 100, 200]}), &[100, 101]);
}

#[test]
fn what_never_comes_is_no_boundary() {
    for number in [json!(-5), json!(0), json!(1e300), json!("soon"), json!(""), json!("1e400")] {
        assert_eq!(boundaries(&json!({"if": [{"<": [now(), number]}, "on"]})), [0; 0]);
    }
    for other in [json!(null), json!(true), json!([500]), json!({"var": "launch"})] {
        assert_eq!(boundaries(&json!({"if": [{"<": [now(), other]}, "on"]})), [0; 0]);
    }
    let attribute = json!({"if": [{"<": [{"var": "timestamp"}, 500]}, "on"]});
    assert_eq!(boundaries(&attribute), [0; 0]);
    let elements = json!({"all": [{"var": "list"}, {"<": [now(), 500]}]});
    assert_eq!(boundaries(&json!({"if": [elements, "on"]})), [0; 0]);
}

#[test]
fn they_are_found_wherever_they_stand_once_and_in_their_order() {
    let after = |moment: i64| json!({">=": [now(), moment]});
    let weight = json!({"if": [after(300), 50, 5]});
    let rule = json!({"if": [
        {"and": [{"var": "beta"}, {"!": [after(900)]}]}, "on",
        {"$ref": "launched"}, {"fractional": [["on", weight], ["off", 50]]},
        {"or": [after(900), {"some": [{"var": "list"}, after(800)]}]}, "on",
    ]});
    assert_eq!(boundaries(&rule), [300, 700, 800, 900]);
    let flag = flag(&json!({"targeting": rule}));
    assert_eq!(flag.holds(299), i64::MIN..300);
    assert_eq!(flag.holds(300), 300..700);
    assert_eq!(flag.holds(5000), 900..i64::MAX);
}

#[test]
fn what_answers_everybody_alike_has_none() {
    let targeting = json!({"if": [{"<": [now(), 500]}, "on"]});
    let disabled = flag(&json!({"state": "DISABLED", "targeting": targeting}));
    assert_eq!(disabled.boundaries(), [0; 0]);
    assert_eq!(disabled.holds(500), i64::MIN..i64::MAX);
}

#[test]
fn a_condition_is_decided_by_the_clock_alone_or_not() {
    let after = |moment: i64| json!({">=": [now(), moment]});
    let beta = json!({"var": "beta"});
    for (condition, before, then) in [
        (after(500), Some(false), Some(true)),
        (json!({"!": [after(500)]}), Some(true), Some(false)),
        (json!({"!": after(500)}), Some(true), Some(false)),
        (json!({"!!": [after(500)]}), Some(false), Some(true)),
        (json!({"and": [beta, after(500)]}), Some(false), None),
        (json!({"or": [beta, after(500)]}), None, Some(true)),
        (json!({"and": [true, after(500)]}), Some(false), Some(true)),
        (json!({"<": [400, now(), 500]}), Some(true), Some(false)),
        (json!({"<=": [500, now(), {"var": "end"}]}), Some(false), None),
        (beta, None, None),
        (json!({"and": []}), None, None),
        (json!("text"), None, None),
    ] {
        let flag = flag(&json!({"targeting": {"if": [condition, "on"]}}));
        let Behaviour::Targeted(Rule::If(clauses)) = &flag.behaviour else { panic!("{flag:?}") };
        let told = [450, 500].map(|at| decided(&clauses[0], at));
        assert_eq!(told, [before, then], "{condition}");
    }
}

#[test]
fn a_rule_that_computes_with_the_time_asks_for_it_as_well() {
    for (condition, asks) in [
        (json!({"<": [now(), 300]}), true),
        (json!({"==": [{"%": [now(), 2]}, 1]}), true),
        (json!({"==": [{"var": ["a", now()]}, 1]}), true),
        (json!({"var": "$flagd"}), true),
        (json!({"$ref": "launched"}), true),
        (json!({"<": [{"var": "timestamp"}, 300]}), false),
        (json!({"==": [{"var": "$flagd.flagKey"}, "f"]}), false),
    ] {
        let flag = flag(&json!({"targeting": {"if": [condition, "on"]}}));
        assert_eq!(flag.asks_the_time(), asks, "{condition}");
    }
}
