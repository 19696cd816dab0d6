//! What the properties are tried on: made-up rules, contexts, definitions and layers.

#[path = "../../worst/operators.rs"]
mod operators;

use flagstaff_core::{
    BadContext, Compilation, Evaluator, Flag, Format, Generation, Layer, Outcome, Scratch, compile,
    encode_object,
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};
use std::{fmt::Display, sync::Arc};

pub(super) const NOW: i64 = 1_700_000_000;

pub(super) const GENERATIONS: [Generation; 2] = [Generation::V2, Generation::V3];

pub(super) use operators::OPERATORS;

/// Attributes that contexts have and rules ask for.
pub(super) const ATTRIBUTES: [&str; 8] =
    ["a", "b", "n", "l", "o", "targetingKey", "current", "accumulator"];

pub(super) fn scalar() -> impl Strategy<Value = Value> {
    let numbers = select(vec![0.0, -0.0, 1.0, -1.5, 50.0, 1e6, 1e21, 1e-7, 1e308, -2147483648.5]);
    let texts = select(vec!["", " ", "on", "1", "1.2.3", "v2", "a.b", "inf", "NaN", "é😀", "1_0"]);
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        numbers.prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        texts.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        select(&ATTRIBUTES[..]).prop_map(Value::from),
    ]
}

/// Any JSON value; objects have some of [`ATTRIBUTES`].
pub(super) fn data() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 24, 5, |inner| {
        let member = (select(&ATTRIBUTES[..]), inner.clone());
        prop_oneof![
            vec(inner, 0..5).prop_map(Value::from),
            vec(member, 0..5).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

pub(super) fn context() -> impl Strategy<Value = Map<String, Value>> {
    vec((select(&ATTRIBUTES[..]), data()), 0..8)
        .prop_map(|members| members.into_iter().map(|(name, v)| (name.to_owned(), v)).collect())
}

/// Any rule: every operator over everything, with too few and too many operands.
pub(super) fn rule() -> impl Strategy<Value = Value> {
    let variable = select(vec!["a", "b", "n", "l", "o", "o.a", "l.1", "", ".", "$flagd.flagKey"]);
    let leaf = prop_oneof![data(), variable.prop_map(|name| json!({"var": name}))];
    leaf.prop_recursive(8, 48, 4, |inner| {
        let operands = prop_oneof![
            6 => vec(inner.clone(), 0..5).prop_map(Value::from),
            1 => inner.clone(),
        ];
        let operation = |(name, operands): (&str, Value)| {
            Value::Object(Map::from_iter([(name.to_owned(), operands)]))
        };
        let share = (inner.clone(), inner.clone()).prop_map(|(name, weight)| json!([name, weight]));
        prop_oneof![
            8 => (select(&OPERATORS[..]), operands).prop_map(operation),
            1 => (inner.clone(), vec(share, 1..4)).prop_map(|(by, shares)| {
                bucketed(by, &shares)
            }),
            1 => vec(inner, 0..4).prop_map(Value::from),
        ]
    })
}

/// A split of what `by` gives.
pub(super) fn bucketed(by: Value, shares: &[Value]) -> Value {
    let operands = [&[by], shares].concat();
    json!({"fractional": operands})
}

/// The document of one flag with this targeting.
pub(super) fn document(targeting: &impl Display) -> String {
    let variants = json!({"on": true, "off": false, "true": true, "1": true, "": false});
    let evaluators = json!({"a": {"var": "a"}, "b": {"if": [{"$ref": "a"}, {"$ref": "b"}]}});
    format!(
        r#"{{"flags": {{"flag": {{"state": "ENABLED", "variants": {variants},
            "defaultVariant": "off", "targeting": {targeting}}}}}, "$evaluators": {evaluators}}}"#
    )
}

#[track_caller]
pub(super) fn compiled(text: &str, generation: Generation) -> Compilation {
    compile(text.as_bytes(), Format::Json, generation, &Layer::default()).expect("a document")
}

/// The flag of a document that has one.
#[track_caller]
pub(super) fn only_flag(text: &str, generation: Generation) -> Arc<Flag> {
    let compiled = compiled(text, generation);
    let flag = compiled.layer.flags().next().expect("the document has a flag");
    Arc::clone(flag.flag())
}

pub(super) fn targeted(targeting: &Value, generation: Generation) -> Arc<Flag> {
    only_flag(&document(targeting), generation)
}

/// An outcome, without what it borrows.
pub(super) fn outcome(
    flag: &Flag,
    context: &[u8],
    scratch: &mut Scratch,
) -> Result<String, BadContext> {
    let mut evaluator = Evaluator::new(scratch, context, NOW)?;
    let outcome = evaluator.evaluate(flag);
    if let Outcome::Variant { index, .. } = outcome {
        assert!(index < flag.variants().len(), "{outcome:?} is no variant");
    }
    Ok(format!("{outcome:?}"))
}

/// The variant a flag gives for a context.
#[track_caller]
pub(super) fn variant<'f>(flag: &'f Flag, context: &[u8], scratch: &mut Scratch) -> &'f str {
    let mut evaluator = Evaluator::new(scratch, context, NOW).expect("a good context");
    match evaluator.evaluate(flag) {
        Outcome::Variant { index, .. } => flag.variants()[index].name(),
        other => panic!("{other:?}"),
    }
}

pub(super) fn unit(key: &str) -> Box<[u8]> {
    encode_object(json!({"targetingKey": key}).as_object().unwrap())
}

/// Anything in the place of a flag, most of it a flag.
pub(super) fn definition() -> impl Strategy<Value = Value> {
    let state = prop_oneof![4 => Just(json!("ENABLED")), 1 => Just(json!("DISABLED")), 1 => data()];
    let variants = prop_oneof![4 => Just(json!({"on": true, "off": false})), 1 => data()];
    let default = prop_oneof![4 => Just(json!("on")), 1 => Just(Value::Null), 1 => data()];
    let flag = (state, variants, default, rule(), data()).prop_map(
        |(state, variants, default, targeting, metadata)| {
            json!({
                "state": state, "variants": variants, "defaultVariant": default,
                "targeting": targeting, "metadata": metadata,
            })
        },
    );
    prop_oneof![6 => flag, 1 => data()]
}

/// A layer of some of three flags, good ones and broken ones, told apart by their default variant.
pub(super) fn layer(name: &'static str) -> impl Strategy<Value = Layer> {
    vec((select(vec!["f", "g", "h"]), any::<bool>()), 0..4).prop_map(move |flags| {
        let flags: Map<_, _> = flags
            .into_iter()
            .map(|(key, good)| {
                let default = if good { name } else { "nowhere" };
                (key.to_owned(), json!({"variants": {name: true}, "defaultVariant": default}))
            })
            .collect();
        compiled(&json!({"flags": flags}).to_string(), Generation::V2).layer
    })
}
