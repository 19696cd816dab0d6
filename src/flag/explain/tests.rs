//! What explanations say, word for word.

use crate::flag::{Evaluator, Flag, Format, Generation, Layer, Scratch, compile, encode_object};
use proptest::prelude::*;
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

#[test]
fn only_what_no_person_writes_into_a_condition_is_shortened() {
    let ids: Vec<_> = (0..10_000).map(|id| format!("user-{id}")).collect();
    let context = json!({"l": ids, "s": "é".repeat(2000)});
    check_condition(
        &json!({"in": [{"var": "l"}, ids]}),
        &context,
        "l in [… 10 000 values]: no (l is [… 10 000 values])",
    );
    let s = format!("no (s is \"{}…\")", "é".repeat(1000));
    check_condition(&json!({"==": [{"var": "s"}, 1]}), &context, &format!("s == 1: {s}"));
    let letters = |count| json!({"if": [{"==": [{"cat": vec!["letters"; count]}, 1]}, "on"]});
    let line = |targeting| {
        let definition = json!({"state": "ENABLED", "variants": {"on": 1}, "targeting": targeting});
        told(&flag(&definition, Generation::V2), &json!({}))[0].clone()
    };
    let whole = format!("if cat({}) == 1: no", vec!["\"letters\""; 500].join(", "));
    assert_eq!(line(letters(500)), whole);
    let longest = "if ".len() + 16_384 + "…: no".chars().count();
    assert_eq!(line(letters(9000)).chars().count(), longest);
}

#[test]
fn conditions_of_usual_length_are_whole() {
    let countries: Vec<_> = (10..60).map(|code| format!("C{code}")).collect();
    let names = countries.iter().map(|code| format!("\"{code}\"")).collect::<Vec<_>>().join(", ");
    check_condition(
        &json!({"in": [{"var": "country"}, countries]}),
        &json!({"country": "C59"}),
        &format!("country in [{names}]: yes (country is \"C59\")"),
    );
    let email = format!("{}@example.com", "a".repeat(150));
    check_condition(
        &json!({"==": [{"var": "email"}, email]}),
        &json!({}),
        &format!("email == \"{email}\": no (email is missing)"),
    );
    let attributes: Vec<_> = (10..40).map(|name| json!({"var": format!("a{name}")})).collect();
    let missing = (10..40).map(|name| format!("a{name} is missing")).collect::<Vec<_>>().join(", ");
    let definition = json!({"state": "ENABLED", "variants": {"on": 1},
        "targeting": {"if": [{"==": [{"cat": attributes}, "x"]}, "on"]}});
    let told = told(&flag(&definition, Generation::V2), &json!({}));
    assert!(told[0].ends_with(&format!("no ({missing})")), "{}", told[0]);
}

#[test]
fn a_flat_attribute_with_a_dot_in_its_name_is_mentioned() {
    let rule = json!({"==": [{"var": "user.plan"}, "pro"]});
    let line = "user.plan == \"pro\": no (user.plan is missing";
    let hint =
        "; the flat attribute \"user.plan\" is not read: nest it, {\"user\": {\"plan\": …}})";
    check_condition(&rule, &json!({"user.plan": "pro"}), &format!("{line}{hint}"));
    check_condition(&rule, &json!({"user.name": "pro"}), &format!("{line})"));
    let nested = json!({"user": {"plan": "pro"}, "user.plan": "free"});
    check_condition(&rule, &nested, "user.plan == \"pro\": yes (user.plan is \"pro\")");
    let deep = json!({"a": {"b.c": 1}});
    let hint =
        "a.b.c is missing; the flat attribute \"b.c\" is not read: nest it, {\"b\": {\"c\": …}}";
    check_condition(
        &json!({"==": [{"var": "a.b.c"}, 1]}),
        &deep,
        &format!("a.b.c == 1: no ({hint})"),
    );
}

#[test]
fn an_attribute_that_is_not_a_version_is_named() {
    let rule = json!({"sem_ver": [{"var": "app"}, ">=", "2.0.0"]});
    let check = |value: Value, told: &str| {
        let expected = format!("app >= 2.0.0 (sem_ver): {told}");
        check_condition(&rule, &json!({"app": value}), &expected);
    };
    check(json!("2.1.0"), "yes (app is \"2.1.0\")");
    check(json!("1.0.0"), "no (app is \"1.0.0\")");
    check(json!("latest"), "no (app is \"latest\", which is not a version)");
    check(json!(true), "no (app is true, which is not a version)");
    let computed = json!({"sem_ver": [{"var": "app"}, ">=", {"var": "least"}]});
    let told = "sem_ver(app, \">=\", least): no (app is \"two\", which is not a version, least is \"2.0.0\")";
    check_condition(&computed, &json!({"app": "two", "least": "2.0.0"}), told);
}

#[test]
fn moments_are_dates_in_the_zone_of_the_file_and_the_next_change_is_named() {
    let text = "flagstaff: 1\nbucketing: v2\ntime_zone: Europe/Berlin\nflags:\n  f:\n    rollout:\n      \
                - 10% from 2023-11-01 09:00\n      - 20% from 2023-12-03 09:00\n";
    let compiled =
        compile(text.as_bytes(), Format::Yaml, Generation::V2, &Layer::default()).unwrap();
    let flag = Arc::clone(compiled.layer.flags().next().unwrap().flag());
    let told = told(&flag, &json!({"targetingKey": "user-6"}));
    let now = "($flagd.timestamp is 2023-11-14 23:13:20 Europe/Berlin)";
    let expected = format!("if $flagd.timestamp >= 2023-12-03 09:00 Europe/Berlin: no {now}");
    assert_eq!(told[0], expected);
    let next = "next change: 2023-12-03 09:00 Europe/Berlin, on 10 % → 20 %";
    assert_eq!(told.last().unwrap(), next);
}

#[test]
fn a_split_tells_the_bucket_and_from_which_share_on() {
    let targeting = json!({"fractional": [["on", 5], ["off", 95]]});
    let user = json!({"targetingKey": "user-6"});
    let expected = [
        "fractional (v2) by flag key + targeting key \"user-6\": \"on\" (bucket 0.56 %, enters \"on\" at 0.57 %)",
        "  \"on\" from 0 % to 5 %: here",
        "  \"off\" from 5 % to 100 %",
    ];
    check_in(Generation::V2, &targeting, &user, &expected);
    let expected = [
        "fractional (v3) by flag key + targeting key \"user-6\": \"off\" (bucket 76.186 %, enters \"on\" at 76.19 %)",
        "  \"on\" from 0 % to 5 %",
        "  \"off\" from 5 % to 100 %: here",
    ];
    check_in(Generation::V3, &targeting, &user, &expected);
    // The share that is not the default is the one being rolled out, whichever comes first.
    let targeting = json!({"fractional": [{"var": "company"}, ["off", 2], ["on", 1]]});
    let expected = [
        "fractional (v2) by company = \"acme\": \"off\" (bucket 64.149 %, enters \"on\" at 35.86 %)",
        "  \"off\" from 0 % to 66.666 %: here",
        "  \"on\" from 66.666 % to 100 %",
    ];
    check(&targeting, &json!({"company": "acme"}), &expected);
    let salted = json!({"cat": ["salt/", {"var": "$flagd.flagKey"}, {"var": "targetingKey"}]});
    let targeting =
        json!({"if": [{"fractional": [salted, [false, 1], ["", 0], [true, 1]]}, "on", "off"]});
    let expected = [
        "if fractional (v2) by cat(\"salt/\", $flagd.flagKey, targetingKey) = \"salt/fuser-6\": no (bucket 46.151 %)",
        "  false from 0 % to 50 %: here",
        "  \"\" for nobody: its weight is 0",
        "  true from 50 % to 100 %",
        "else \"off\"",
    ];
    check(&targeting, &user, &expected);
}

#[test]
fn a_split_without_anybody_to_bucket_says_so() {
    let shares = ["  \"on\" from 0 % to 100 %", NOTHING];
    let by = |by: Value| json!({"fractional": [by, ["on", 1]]});
    let check = |generation, targeting: Value, context: Value, first: &str| {
        check_in(generation, &targeting, &context, &[&[first], &shares[..]].concat());
    };
    let by_key = json!({"fractional": [["on", 1]]});
    check(
        Generation::V2,
        by_key.clone(),
        json!({}),
        "fractional (v2) by flag key + targeting key: nothing \
            (the context has no \"targetingKey\", so nobody is bucketed)",
    );
    check(
        Generation::V3,
        by_key,
        json!({"targetingKey": 5}),
        "fractional (v3) by flag key + targeting key 5: nothing \
            (the \"targetingKey\" has to be a text, and not empty, so nobody is bucketed)",
    );
    check(
        Generation::V2,
        by(json!({"var": "x"})),
        json!({}),
        "fractional (v2) by flag key + targeting key, since x = null: nothing \
            (the context has no \"targetingKey\", so nobody is bucketed)",
    );
    check(
        Generation::V2,
        by(json!({"var": "x"})),
        json!({"x": 1}),
        "fractional (v2) by x = 1: nothing (v2 buckets nothing but texts, so nobody is bucketed)",
    );
    check(
        Generation::V3,
        by(json!({"var": "x"})),
        json!({}),
        "fractional (v3) by x = null: nothing (v3 buckets no null and no list, so nobody is bucketed)",
    );
    let weightless = json!({"fractional": [["on", 0], ["off", 0.5]]});
    let expected = [
        "fractional (v2) by flag key + targeting key \"u\": nothing (the weights have to be whole \
            numbers with a sum from 1 to 2147483647, and the variants no lists or objects)",
        NOTHING,
    ];
    check_in(Generation::V2, &weightless, &json!({"targetingKey": "u"}), &expected);
}

#[test]
fn a_rule_that_cannot_be_run_is_told_with_its_place() {
    let why = "the targeting cannot be run: flags.f.targeting.if[0].and[1].equals: \
        operator \"equals\" is not supported";
    let targeting = json!({"if": [{"and": [true, {"equals": [1, 1]}, {"var": "a"}]}, "on"]});
    let expected = ["if and: fails", "  true: yes", "  a rule that cannot be run: fails", why];
    check(&targeting, &json!({}), &expected);
    let split = json!({"fractional": [["on", 1], [{"equals": 1}, 1]]});
    let expected = [
        "fractional (v2): fails",
        "the targeting cannot be run: flags.f.targeting.fractional[1][0].equals: \
            operator \"equals\" is not supported",
    ];
    check(&split, &json!({}), &expected);
    let targeting = json!({"/": [1, 0]});
    let expected = ["1 / 0: inf", "the targeting cannot be run: the result is not a finite number"];
    check(&targeting, &json!({}), &expected);
}

#[test]
fn a_result_that_is_no_variant_is_told_with_those_there_are() {
    let expected = ["\"onn\"", "the result \"onn\" names no variant: there is \"off\", \"on\""];
    check(&json!("onn"), &json!({}), &expected);
    let definition = json!({"state": "ENABLED", "targeting": "on"});
    let expected = ["\"on\"", "the result \"on\" names no variant: the flag has none"];
    assert_eq!(told(&flag(&definition, Generation::V2), &json!({})), expected);
}

#[test]
fn what_everybody_gets_needs_no_walk() {
    let variants = json!({"on": true, "off": false});
    for (definition, expected) in [
        (
            json!({"state": "ENABLED", "variants": variants, "defaultVariant": "on"}),
            "no targeting: everyone gets the default variant \"on\"",
        ),
        (
            json!({"state": "ENABLED", "variants": variants}),
            "no targeting and no default variant: everyone gets the default in the caller's code",
        ),
        (
            json!({"state": "DISABLED", "variants": variants, "targeting": {"if": [1, "on"]}}),
            "switched off: everyone gets the default in the caller's code",
        ),
        (
            json!({"state": "ENABLED", "variants": variants, "defaultVariant": "onn"}),
            "the definition cannot be served: everyone gets an error",
        ),
    ] {
        assert_eq!(told(&flag(&definition, Generation::V2), &json!({})), [expected]);
    }
    let undecided = json!({"state": "ENABLED", "variants": variants, "targeting": null});
    let expected = [
        "nothing",
        "the targeting results in nothing and there is no default variant, so the default in the \
            caller's code applies",
    ];
    assert_eq!(told(&flag(&undecided, Generation::V2), &json!({})), expected);
}

proptest! {
    #[test]
    fn a_unit_enters_at_exactly_the_share_that_is_told(
        unit in "[a-z0-9@.-]{1,16}",
        v3 in any::<bool>(),
        off_first in any::<bool>(),
    ) {
        let generation = if v3 { Generation::V3 } else { Generation::V2 };
        let user = json!({"targetingKey": unit});
        // A split with `on` at so many hundredths of a percent: the first line told of it, and
        // the share the unit is in.
        let told = |on: u32| {
            let mut shares = [json!(["on", on]), json!(["off", 10_000 - on])];
            if off_first {
                shares.reverse();
            }
            let definition = json!({
                "state": "ENABLED", "variants": {"on": true, "off": false},
                "defaultVariant": "off", "targeting": {"fractional": shares},
            });
            let told = told(&flag(&definition, generation), &user);
            let here = told.iter().find(|line| line.ends_with(": here")).unwrap();
            (told[0].clone(), here.trim_start().starts_with("\"on\""))
        };
        let (line, _) = told(5_000);
        let (_, enters) = line.split_once("enters \"on\" at ").unwrap();
        let percent: f64 = enters.strip_suffix(" %)").unwrap().parse().unwrap();
        let told_of = |share: &u32| f64::from(*share) == (percent * 100.0).round();
        let hundredths = (1..=10_000).find(told_of).unwrap();
        prop_assert_eq!(told(hundredths), (line.replace("\"off\" (", "\"on\" ("), true));
        prop_assert_eq!(told(hundredths - 1), (line.replace("\"on\" (", "\"off\" ("), false));
    }
}
