//! Conditions as a person would write them, and attributes with their values.

use super::{check_condition, flag, told};
use crate::{compile, document::text::Format, flag::rule::Generation, flag_file::layer::Layer};
use serde_json::{Value, json};
use std::sync::Arc;

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
