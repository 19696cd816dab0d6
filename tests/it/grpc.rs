//! What the evaluation methods answer, in both versions of the contract.

use crate::{
    client::{Client, from_struct},
    flags::Flags,
    sidecar::Sidecar,
};
use flagstaff::pb::flagd::evaluation::{
    v1::{self, any_flag::Value::*},
    v2,
};
use serde_json::{Value, json};
use tonic::Code;

fn definitions() -> Value {
    let bits = json!({"on": true, "off": false});
    let pro = |then: &str| json!({"if": [{"==": [{"var": "plan"}, "pro"]}, then]});
    json!({
        "metadata": {"team": "shop", "revision": 7, "nothing": null},
        "flags": {
            "bit": {"state": "ENABLED", "variants": bits, "defaultVariant": "on"},
            "text": {"state": "ENABLED", "variants": {"a": "one", "b": ""}, "defaultVariant": "a",
                "targeting": pro("b"), "metadata": {"team": "checkout", "beta": true}},
            "number": {"state": "ENABLED", "variants": {"pi": 3.99, "minus": -3.99, "big": 1e300},
                "defaultVariant": "pi",
                "targeting": {"if": [{"==": [{"var": "n"}, 1]}, "minus",
                                     {"==": [{"var": "n"}, 2]}, "big"]}},
            "object": {"state": "ENABLED", "variants": {"v": {"a": [1, "x", null], "b": {}}},
                "defaultVariant": "v"},
            "disabled": {"state": "DISABLED", "variants": bits, "defaultVariant": "on"},
            "no_default": {"state": "ENABLED", "variants": bits, "targeting": pro("on")},
            "unit": {"state": "ENABLED", "variants": bits, "defaultVariant": "off",
                "targeting": {"if": [{"!!": {"var": "targetingKey"}}, "on"]}},
            "lost": {"state": "ENABLED", "variants": bits, "defaultVariant": "off",
                "targeting": "nowhere"},
        }
    })
}

async fn start() -> (Client, Sidecar, Flags) {
    let flags = Flags::new(&definitions());
    let sidecar = Sidecar::start(&flags).await;
    (Client::connect(&sidecar).await, sidecar, flags)
}

#[tokio::test]
async fn all_five_types_are_answered_in_v1() {
    let (client, _sidecar, _flags) = start().await;
    let answer: v1::ResolveBooleanResponse = client.resolve("bit", json!({})).await.unwrap();
    assert_eq!((answer.value, &*answer.variant, &*answer.reason), (true, "on", "STATIC"));
    let answer: v1::ResolveStringResponse = client.resolve("text", json!({})).await.unwrap();
    assert_eq!((&*answer.value, &*answer.variant, &*answer.reason), ("one", "a", "DEFAULT"));
    let answer: v1::ResolveFloatResponse = client.resolve("number", json!({})).await.unwrap();
    assert_eq!((answer.value, &*answer.variant), (3.99, "pi"));
    let answer: v1::ResolveIntResponse = client.resolve("number", json!({})).await.unwrap();
    assert_eq!((answer.value, &*answer.variant), (3, "pi"));
    let answer: v1::ResolveObjectResponse = client.resolve("object", json!({})).await.unwrap();
    let value = Value::from(from_struct(answer.value.unwrap()));
    assert_eq!(value, json!({"a": [1.0, "x", null], "b": {}}));
}

#[tokio::test]
async fn all_five_types_are_answered_in_v2_over_the_socket_too() {
    let (_, sidecar, _flags) = start().await;
    let client = Client::connect_unix(&sidecar, 65_535).await;
    let pro = || json!({"plan": "pro"});
    let answer: v2::ResolveBooleanResponse = client.resolve("bit", pro()).await.unwrap();
    assert_eq!((answer.value, answer.variant.as_deref()), (Some(true), Some("on")));
    // An empty text that was chosen is present; only what was not chosen is absent.
    let answer: v2::ResolveStringResponse = client.resolve("text", pro()).await.unwrap();
    assert_eq!((answer.value.as_deref(), &*answer.reason), (Some(""), "TARGETING_MATCH"));
    let answer: v2::ResolveFloatResponse = client.resolve("number", pro()).await.unwrap();
    assert_eq!((answer.value, &*answer.reason), (Some(3.99), "DEFAULT"));
    let answer: v2::ResolveIntResponse = client.resolve("number", pro()).await.unwrap();
    assert_eq!(answer.value, Some(3));
    let answer: v2::ResolveObjectResponse = client.resolve("object", pro()).await.unwrap();
    let value = Value::from(from_struct(answer.value.unwrap()));
    assert_eq!(value, json!({"a": [1.0, "x", null], "b": {}}));
}

#[tokio::test]
async fn whole_numbers_are_cut_toward_zero_and_kept_in_range() {
    let (client, _sidecar, _flags) = start().await;
    for (n, expected) in [(0, 3), (1, -3), (2, i64::MAX)] {
        let context = json!({"n": n});
        let answer: v2::ResolveIntResponse = client.resolve("number", context).await.unwrap();
        assert_eq!(answer.value, Some(expected), "{n}");
    }
}

#[tokio::test]
async fn a_disabled_flag_is_unset_in_v2_and_zero_in_v1() {
    let (client, _sidecar, _flags) = start().await;
    let answer: v2::ResolveBooleanResponse = client.resolve("disabled", json!({})).await.unwrap();
    assert_eq!((answer.value, answer.variant, &*answer.reason), (None, None, "DISABLED"));
    let answer: v1::ResolveBooleanResponse = client.resolve("disabled", json!({})).await.unwrap();
    assert_eq!((answer.value, &*answer.variant, &*answer.reason), (false, "", "DISABLED"));
    assert_eq!(from_struct(answer.metadata.unwrap())["team"], "shop");
    // Whatever type is asked for: nothing is of the wrong type.
    let answer: v2::ResolveObjectResponse = client.resolve("disabled", json!({})).await.unwrap();
    assert_eq!((answer.value, &*answer.reason), (None, "DISABLED"));
}

#[tokio::test]
async fn without_a_default_variant_v2_leaves_the_value_and_v1_finds_nothing() {
    let (client, _sidecar, _flags) = start().await;
    let answer: v2::ResolveBooleanResponse = client.resolve("no_default", json!({})).await.unwrap();
    assert_eq!((answer.value, answer.variant, &*answer.reason), (None, None, "DEFAULT"));
    let failure = client.failure::<v1::ResolveBooleanResponse>("no_default", json!({})).await;
    assert_eq!(failure.0, Code::NotFound, "{}", failure.1);
    let pro = json!({"plan": "pro"});
    let answer: v1::ResolveBooleanResponse = client.resolve("no_default", pro).await.unwrap();
    assert_eq!((answer.value, &*answer.reason), (true, "TARGETING_MATCH"));
}

#[tokio::test]
async fn the_flags_metadata_wins_over_that_of_its_file_and_null_is_dropped() {
    let (client, _sidecar, _flags) = start().await;
    let answer: v2::ResolveStringResponse = client.resolve("text", json!({})).await.unwrap();
    let metadata = Value::from(from_struct(answer.metadata.unwrap()));
    assert_eq!(metadata, json!({"team": "checkout", "beta": true, "revision": 7.0}));
    let answer: v2::ResolveBooleanResponse = client.resolve("bit", json!({})).await.unwrap();
    let metadata = Value::from(from_struct(answer.metadata.unwrap()));
    assert_eq!(metadata, json!({"team": "shop", "revision": 7.0}));
}

#[tokio::test]
async fn a_targeting_key_of_null_is_none() {
    let (client, _sidecar, _flags) = start().await;
    let key = |key: Value| json!({"targetingKey": key});
    for (context, expected) in [
        (key("u".into()), true),
        (key(Value::Null), false),
        (json!({}), false),
        (Value::Null, false),
    ] {
        let answer: v2::ResolveBooleanResponse =
            client.resolve("unit", context.clone()).await.unwrap();
        assert_eq!(answer.value, Some(expected), "{context}");
    }
}

#[tokio::test]
async fn resolve_all_answers_every_flag_that_has_a_usable_default() {
    let (client, _sidecar, _flags) = start().await;
    // It would match "no_default", and that is left out nevertheless.
    let all = client.resolve_all(json!({"plan": "pro", "targetingKey": "u"})).await.unwrap();
    let mut keys: Vec<_> = all.flags.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["bit", "disabled", "lost", "number", "object", "text", "unit"]);
    let entry = |key: &str| {
        let flag = all.flags[key].clone();
        (flag.value.unwrap(), flag.variant, flag.reason)
    };
    let answer = |value, variant: &str, reason: &str| (value, variant.into(), reason.into());
    assert_eq!(entry("bit"), answer(BoolValue(true), "on", "STATIC"));
    assert_eq!(entry("text"), answer(StringValue(String::new()), "b", "TARGETING_MATCH"));
    assert_eq!(entry("number"), answer(DoubleValue(3.99), "pi", "DEFAULT"));
    assert_eq!(entry("disabled"), answer(BoolValue(false), "", "DISABLED"));
    let (value, _, reason) = entry("lost");
    assert_eq!((value, &*reason), (BoolValue(false), "ERROR"));
    assert!(matches!(entry("object").0, ObjectValue(_)));
    let metadata = from_struct(all.flags["text"].metadata.clone().unwrap());
    assert_eq!(metadata["team"], "checkout");
}
