//! What explanations say, word for word.

mod conditions;
mod splits;

use crate::{
    compile,
    document::{protobuf::encode_object, text::Format},
    flag::{
        context::{Evaluator, Scratch},
        model::Flag,
        rule::Generation,
    },
    flag_file::layer::Layer,
};
use serde_json::{Value, json};
use std::sync::Arc;

fn flag(definition: &Value, generation: Generation) -> Arc<Flag> {
    let evaluators = json!({"vip": {"==": [{"var": "plan"}, "vip"]}});
    let document = json!({"flags": {"f": definition}, "$evaluators": evaluators}).to_string();
    let compiled =
        compile(document.as_bytes(), Format::Json, generation, &Layer::default()).unwrap();
    Arc::clone(compiled.layer.flags().next().unwrap().flag())
}

fn told(flag: &Flag, context: &Value) -> Vec<String> {
    let context = encode_object(context.as_object().unwrap());
    let mut scratch = Scratch::default();
    let mut evaluator = Evaluator::new(&mut scratch, &context, 1_700_000_000).unwrap();
    let (steps, outcome) = evaluator.explain(flag);
    assert_eq!(outcome, evaluator.evaluate(flag), "{context:?}");
    steps.iter().map(|step| format!("{}{}", "  ".repeat(step.depth), step.text)).collect()
}

/// Checks the explanation of a targeting of `f`, with variants `on` and `off` (the default).
#[track_caller]
fn check_in(generation: Generation, targeting: &Value, context: &Value, expected: &[&str]) {
    let definition = json!({
        "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
        "targeting": targeting,
    });
    assert_eq!(told(&flag(&definition, generation), context), expected);
}

#[track_caller]
fn check(targeting: &Value, context: &Value, expected: &[&str]) {
    check_in(Generation::V2, targeting, context, expected);
}

/// Checks the line told of a condition.
#[track_caller]
fn check_condition(condition: &Value, context: &Value, expected: &str) {
    let targeting = json!({"if": [condition, "on", "off"]});
    let definition = json!({
        "state": "ENABLED", "variants": {"on": true, "off": false}, "targeting": targeting,
    });
    let told = told(&flag(&definition, Generation::V2), context);
    assert_eq!(told.first().map(String::as_str), Some(format!("if {expected}").as_str()));
}

const NOTHING: &str = "the targeting results in nothing, so the default variant applies";

#[test]
fn branches_are_told_in_order_up_to_the_one_that_held() {
    let targeting = json!({"if": [
        {"==": [{"var": "plan"}, "enterprise"]}, "on",
        {">": [{"var": "seats"}, 50]}, "off",
        {"var": "beta"}, "on",
        "off",
    ]});
    let expected = [
        "if plan == \"enterprise\": no (plan is \"free\")",
        "else if seats > 50: yes (seats is 51)",
        "then \"off\"",
        "else if beta: not looked at",
        "else \"off\": not looked at",
    ];
    check(&targeting, &json!({"plan": "free", "seats": 51}), &expected);
    let expected = [
        "if plan == \"enterprise\": no (plan is missing)",
        "else if seats > 50: no (seats is missing)",
        "else if beta: no (beta is missing)",
        "else \"off\"",
    ];
    check(&targeting, &json!({}), &expected);
    let expected = ["if beta: no (beta is \"\")", "else nothing", NOTHING];
    check(&json!({"if": [{"var": "beta"}, "on"]}), &json!({"beta": ""}), &expected);
}

#[test]
fn operands_are_told_up_to_the_one_that_decided() {
    let targeting = json!({"if": [{"and": [
        {"or": [{"$ref": "vip"}, {"var": "beta"}, {"ends_with": [{"var": "email"}, "@x.org"]}]},
        {"!": [{"and": [{"in": [{"var": "country"}, ["DE", "AT"]]}, {"var": "old"}]}]},
        {"!": {"var": "banned"}},
    ]}, "on"]});
    let context = json!({"beta": 7, "country": "DE", "banned": true});
    let expected = [
        "if and: no",
        "  or: yes, 7",
        "    plan == \"vip\": no (plan is missing)",
        "    beta: yes (beta is 7)",
        "    email ends_with \"@x.org\": not looked at",
        "  not: yes",
        "    and: no",
        "      country in [\"AT\", \"DE\"]: yes (country is \"DE\")",
        "      old: no (old is missing)",
        "  not banned: no (banned is true)",
        "else nothing",
        NOTHING,
    ];
    check(&targeting, &context, &expected);
    // The last operand is the result.
    let targeting = json!({"and": [{"var": "beta"}, {"if": [{"var": "old"}, "off", "on"]}]});
    let expected = [
        "and: \"on\"",
        "  beta: yes (beta is true)",
        "  if old: no (old is missing)",
        "  else \"on\"",
    ];
    check(&targeting, &json!({"beta": true}), &expected);
}

#[test]
fn nested_branches_are_indented() {
    let inner = json!({"if": [{"var": "a"}, "on", "off"]});
    let targeting = json!({"if": [inner, inner, {"if": [{"var": "b"}, "off"]}]});
    let expected = [
        "if: yes, \"on\"",
        "  if a: yes (a is 1)",
        "  then \"on\"",
        "  else \"off\": not looked at",
        "then: \"on\"",
        "  if a: yes (a is 1)",
        "  then \"on\"",
        "  else \"off\": not looked at",
        "else if(b, \"off\"): not looked at",
    ];
    check(&targeting, &json!({"a": 1}), &expected);
}

#[test]
fn conditions_read_as_a_person_would_write_them() {
    let var = |name: &str| json!({"var": name});
    let user = json!({"v": "2.1.0", "s": "hello", "n": 5, "l": ["a", "b"], "o": {"p": [1, 2]}});
    let check = |condition: Value, expected| check_condition(&condition, &user, expected);
    check(json!({"sem_ver": [var("v"), ">=", "2"]}), "v >= 2.0.0 (sem_ver): yes (v is \"2.1.0\")");
    check(
        json!({"sem_ver": [var("v"), "^", "1.0.0-b"]}),
        "v ^ 1.0.0-b (sem_ver): no (v is \"2.1.0\")",
    );
    check(json!({"starts_with": [var("s"), "he"]}), "s starts_with \"he\": yes (s is \"hello\")");
    check(json!({"===": [var("o.p.1"), 2]}), "o.p.1 === 2: yes (o.p.1 is 2)");
    check(json!({"<": [1, var("n"), 9]}), "1 < n < 9: yes (n is 5)");
    check(json!({"in": ["ell", var("s")]}), "\"ell\" in s: yes (s is \"hello\")");
    check(
        json!({"in": [var("n"), ["5", 7, 1.5, null, true, [4, 6]]]}),
        "n in [\"5\", 1.5, 7, [4, 6], true, null]: yes (n is 5)",
    );
    check(
        json!({">": [{"+": [var("n"), 1, {"*": [2, 3]}]}, 11]}),
        "(n + 1 + (2 * 3)) > 11: yes (n is 5)",
    );
    check(json!({"==": [{"-": var("n")}, {"%": [var("n"), 2]}]}), "-n == (n % 2): no (n is 5)");
    check(json!({"!!": [var("s")]}), "!!s: yes (s is \"hello\")");
    check(
        json!({"==": [{"var": ["x", "d"]}, "d"]}),
        "x (default \"d\") == \"d\": yes (x is missing)",
    );
    check(json!({"var": [{"cat": ["o", ".p"]}]}), "var(cat(\"o\", \".p\")): yes, [1, 2]");
    check(json!({"missing": ["s", "y"]}), "missing(\"s\", \"y\"): yes, [\"y\"]");
    check(
        json!({"contains_any": [var("l"), ["b"]]}),
        "l contains_any [\"b\"]: yes (l is [\"a\", \"b\"])",
    );
    check(json!({"==": [var("o"), 1]}), "o == 1: no (o is {\"p\": [1, 2]})");
    check(json!({"==": [var("a b"), 1]}), "\"a b\" == 1: no (\"a b\" is missing)");
    check(
        json!({">": [{"var": "$flagd.timestamp"}, 9]}),
        "$flagd.timestamp > 1970-01-01 00:00:09 UTC: yes \
         ($flagd.timestamp is 2023-11-14 22:13:20 UTC)",
    );
    check(
        json!({"==": [{"if": [var("n"), {"or": [false, {"and": [1, 2]}]}]}, 2]}),
        "if(n, false or (1 and 2)) == 2: yes (n is 5)",
    );
}

#[test]
fn operators_on_lists_are_one_line() {
    let list = json!({"var": "l"});
    let is_b = json!({"==": [{"var": ""}, "b"]});
    let user = json!({"l": ["a", "b"]});
    let check = |condition: Value, expected: &str| {
        check_condition(&condition, &user, &format!("{expected} (l is [\"a\", \"b\"])"));
    };
    check(json!({"some": [list, is_b]}), "some(l, it == \"b\"): yes");
    check(json!({"all": [list, is_b]}), "all(l, it == \"b\"): no");
    check(json!({"none": [list, is_b]}), "none(l, it == \"b\"): no");
    check(json!({"filter": [list, is_b]}), "filter(l, it == \"b\"): yes, [\"b\"]");
    check(
        json!({"map": [list, {"cat": [{"var": ""}, 1]}]}),
        "map(l, cat(it, 1)): yes, [\"a1\", \"b1\"]",
    );
    check(
        json!({"reduce": [list, {"+": [{"var": "accumulator"}, 1]}, 0]}),
        "reduce(l, accumulator + 1, 0): yes, 2",
    );
}
