//! Who falls into which share, pinned: these vectors are the contract with every other flagd
//! implementation, so a change that breaks one moves users.

use crate::{
    compile,
    document::{protobuf::encode_object, text::Format},
    flag::{
        bucket,
        context::{Evaluator, Scratch},
        evaluate::{By, Outcome, Reason},
        model::Flag,
        rule::Generation,
        value::Object,
    },
    flag_file::layer::Layer,
};
use serde_json::{Value, json};
use std::sync::Arc;

fn flag(key: &str, variants: &[String], targeting: &Value, generation: Generation) -> Arc<Flag> {
    let variants: Value = variants.iter().map(|name| (name.clone(), json!(true))).collect();
    let flag = json!({"state": "ENABLED", "variants": variants, "targeting": targeting});
    let document = json!({"flags": {key: flag}}).to_string();
    let compiled =
        compile(document.as_bytes(), Format::Json, generation, &Layer::default()).unwrap();
    Arc::clone(compiled.layer.flags().next().unwrap().flag())
}

/// The variant a flag gives; nothing where no share is picked.
fn given<'f>(flag: &'f Flag, context: &Value) -> Option<&'f str> {
    let context = encode_object(context.as_object().unwrap());
    let mut scratch = Scratch::default();
    match Evaluator::new(&mut scratch, &context, 0).unwrap().evaluate(flag) {
        Outcome::Variant { index, reason: Reason::TargetingMatch, by: By::Split } => {
            Some(flag.variants()[index].name())
        }
        Outcome::CodeDefault => None,
        other => panic!("{other:?}"),
    }
}

/// Checks the variant of a split of `key` under both generations.
#[track_caller]
fn check(key: &str, targeting: &Value, context: &Value, expected: [Option<&str>; 2]) {
    let names = ["clubs", "diamonds", "hearts", "spades", "heads", "tails", "on", "off"];
    let variants = names.map(str::to_owned);
    for (generation, expected) in [Generation::V2, Generation::V3].into_iter().zip(expected) {
        let flag = flag(key, &variants, targeting, generation);
        assert_eq!(given(&flag, context), expected, "{generation:?} {targeting} {context}");
    }
}

#[test]
fn cards_are_dealt_as_by_flagd() {
    let targeting = json!({"fractional": [
        {"cat": [{"var": "$flagd.flagKey"}, {"var": "user.name"}]},
        ["clubs", 25], ["diamonds", 25], ["hearts", 25], ["spades", 25],
    ]});
    for (name, v2, v3) in [
        (json!("jack"), "hearts", "diamonds"),
        (json!("queen"), "spades", "diamonds"),
        (json!("ten"), "clubs", "clubs"),
        (json!("nine"), "diamonds", "clubs"),
        (json!("3"), "clubs", "spades"),
        (json!(3), "clubs", "spades"),
    ] {
        let context = json!({"user": {"name": name}});
        check("fractional-flag", &targeting, &context, [Some(v2), Some(v3)]);
    }
}

#[test]
fn coins_fall_as_by_flagd() {
    let targeting = json!({"fractional": [["heads"], ["tails", 1]]});
    for (unit, v2, v3) in
        [("jon@company.com", "heads", "tails"), ("jane@company.com", "tails", "tails")]
    {
        let context = json!({"targetingKey": unit});
        check("fractional-flag-shorthand", &targeting, &context, [Some(v2), Some(v3)]);
    }
    for (unit, v3) in [("user-1", "heads"), ("user-2", "tails"), ("user-3", "heads")] {
        let names = ["heads".to_owned(), "tails".to_owned()];
        let flag = flag("fractional-flag-shorthand", &names, &targeting, Generation::V3);
        assert_eq!(given(&flag, &json!({"targetingKey": unit})), Some(v3), "{unit}");
    }
}

#[test]
fn v3_hashes_the_cbor_of_any_value() {
    let buckets: Vec<_> = (1..=25).map(|bucket| format!("bucket{bucket}")).collect();
    let shares = buckets.iter().map(|bucket| json!([bucket, 4]));
    let shares: Vec<_> = [json!({"var": "by"})].into_iter().chain(shares).collect();
    let flag = flag("f", &buckets, &json!({"fractional": shares}), Generation::V3);
    for (by, cbor, hash, bucket) in [
        (json!(""), "60", 661569231, 4),
        (json!("user1"), "657573657231", 3686933882, 22),
        (json!(true), "f5", 836216331, 5),
        (json!(false), "f4", 116478471, 1),
        (json!(0), "00", 1364076727, 8),
        (json!(0.0), "00", 1364076727, 8),
        (json!(-0.0), "00", 1364076727, 8),
        (json!(123), "187b", 3334029857, 20),
        (json!(-25), "3818", 2734936097, 16),
        (json!(1.5), "f93e00", 346941878, 3),
        (json!(1.23), "fb3ff3ae147ae147ae", 2393468550, 14),
        (json!(1e20), "fb4415af1d78b58c40", 3152684119, 19),
        (json!(9007199254740992_u64), "1b0020000000000000", 1581616925, 10),
        (json!({"a": 1, "b": 2}), "a2616101616202", 3853601438, 23),
        (json!({"z": 1, "aa": 2}), "a2617a0162616102", 3447691377, 21),
        (json!({"a": [1, [], 3], "b": null}), "a26161830180036162f6", 372278382, 3),
    ] {
        let context = json!({"by": by});
        let expected = format!("bucket{bucket}");
        assert_eq!(given(&flag, &context), Some(&*expected), "{by}");

        let encoded = encode_object(context.as_object().unwrap());
        let mut scratch = Scratch::default();
        let mut evaluator = Evaluator::new(&mut scratch, &encoded, 0).unwrap();
        let value = evaluator.attribute(Object::Context, "by").unwrap();
        evaluator.put_value(value);
        let hex: String = evaluator.arena.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!((&*hex, bucket::murmur3(&evaluator.arena.bytes)), (cbor, hash), "{by}");
    }
}

#[test]
fn the_generations_differ_on_what_can_be_bucketed() {
    let by = json!({"fractional": [{"var": "by"}, ["on", 1]]});
    let unit = |by: Value| json!({"by": by, "targetingKey": "u"});
    let (on, none) = (Some("on"), None);
    // A null unit is dropped for the implicit one by v2, and is no unit for v3.
    check("f", &by, &unit(Value::Null), [on, none]);
    check("f", &by, &unit(json!("")), [on, on]);
    check("f", &by, &unit(json!(1)), [none, on]);
    check("f", &by, &unit(json!(true)), [none, on]);
    check("f", &by, &unit(json!({"a": 1})), [none, on]);
    check("f", &by, &unit(json!([1])), [none, none]);
}

#[test]
fn without_a_targeting_key_nobody_is_in_a_share() {
    let targeting = json!({"fractional": [["on", 1]]});
    check("f", &targeting, &json!({"targetingKey": "u"}), [Some("on"); 2]);
    for context in [
        json!({}),
        json!({"targetingKey": null}),
        json!({"targetingKey": ""}),
        json!({"targetingKey": 1}),
    ] {
        check("f", &targeting, &context, [None; 2]);
    }
}

#[test]
fn weights_are_whole_and_sum_to_an_i32_at_most() {
    for (weights, sensible) in [
        (json!([50.0, 50]), true),
        (json!([null, 1]), true),
        (json!([0, 1]), true),
        (json!([-5, 1]), true),
        (json!([2_147_483_646, 1]), true),
        (json!([2_147_483_647, 1]), false),
        (json!([2_147_483_648_u64, 0]), false),
        (json!([0.5, 1]), false),
        (json!(["1", 1]), false),
        (json!([true, 1]), false),
        (json!([0, 0]), false),
        (json!([-1, -1]), false),
    ] {
        let targeting = json!({"fractional": ["unit", ["on", weights[0]], ["on", weights[1]]]});
        check("f", &targeting, &json!({}), [sensible.then_some("on"); 2]);
    }
}

#[test]
fn an_attribute_set_again_is_hashed_once() {
    let names = ["on", "off", "heads", "tails"].map(str::to_owned);
    let split = |by: Value| {
        let shares = names.each_ref().map(|name| json!([name, 1]));
        let operands = [&[by], shares.as_slice()].concat();
        flag("f", &names, &json!({"fractional": operands}), Generation::V3)
    };
    let set = split(json!({"set": [{"var": "o"}, "a", {"var": "n"}]}));
    let same = split(json!({"var": "same"}));
    for n in 0..16 {
        let context = json!({"o": {"a": 1, "b": 2}, "n": n, "same": {"a": n, "b": 2}});
        assert_eq!(given(&set, &context), given(&same, &context), "{n}");
    }
}
