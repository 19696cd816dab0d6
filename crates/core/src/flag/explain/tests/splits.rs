//! Splits, results and errors, with their places.

use super::{NOTHING, check, check_in, flag, told};
use crate::flag::rule::Generation;
use proptest::prelude::*;
use serde_json::{Value, json};

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
