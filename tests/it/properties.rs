//! What holds for every definition and every context, tried on thousands of made-up ones.

use flagstaff::flag::{
    BadContext, Compilation, Evaluator, Failure, Flag, Generation, Layer, Outcome, Scratch,
    Standing, compile, encode_object, merge,
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fmt::Display, sync::Arc};

const NOW: i64 = 1_700_000_000;

const GENERATIONS: [Generation; 2] = [Generation::V2, Generation::V3];

/// Every operator, and some names that are none.
const OPERATORS: [&str; 46] = [
    "==",
    "===",
    "!=",
    "!==",
    "<",
    "<=",
    ">",
    ">=",
    "!",
    "!!",
    "+",
    "-",
    "*",
    "/",
    "%",
    "max",
    "min",
    "abs",
    "in",
    "cat",
    "substr",
    "merge",
    "missing",
    "missing_some",
    "set",
    "contains_all",
    "contains_any",
    "contains_none",
    "starts_with",
    "ends_with",
    "sem_ver",
    "if",
    "?:",
    "and",
    "or",
    "map",
    "filter",
    "all",
    "some",
    "none",
    "reduce",
    "fractional",
    "var",
    "$ref",
    "log",
    "",
];

/// Attributes that contexts have and rules ask for.
const ATTRIBUTES: [&str; 8] = ["a", "b", "n", "l", "o", "targetingKey", "current", "accumulator"];

fn scalar() -> impl Strategy<Value = Value> {
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
fn data() -> impl Strategy<Value = Value> {
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

fn context() -> impl Strategy<Value = Map<String, Value>> {
    vec((select(&ATTRIBUTES[..]), data()), 0..8)
        .prop_map(|members| members.into_iter().map(|(name, v)| (name.to_owned(), v)).collect())
}

/// Any rule: every operator over everything, with too few and too many operands.
fn rule() -> impl Strategy<Value = Value> {
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
fn bucketed(by: Value, shares: &[Value]) -> Value {
    let operands = [&[by], shares].concat();
    json!({"fractional": operands})
}

/// The document of one flag with this targeting.
fn document(targeting: &impl Display) -> String {
    let variants = json!({"on": true, "off": false, "true": true, "1": true, "": false});
    let evaluators = json!({"a": {"var": "a"}, "b": {"if": [{"$ref": "a"}, {"$ref": "b"}]}});
    format!(
        r#"{{"flags": {{"flag": {{"state": "ENABLED", "variants": {variants},
            "defaultVariant": "off", "targeting": {targeting}}}}}, "$evaluators": {evaluators}}}"#
    )
}

#[track_caller]
fn compiled(text: &str, generation: Generation) -> Compilation {
    compile(text, generation, &Layer::default()).expect("a document")
}

/// The flag of a document that has one.
#[track_caller]
fn only_flag(text: &str, generation: Generation) -> Arc<Flag> {
    let compiled = compiled(text, generation);
    let flag = compiled.layer.flags().next().expect("the document has a flag");
    Arc::clone(flag.flag())
}

fn targeted(targeting: &Value, generation: Generation) -> Arc<Flag> {
    only_flag(&document(targeting), generation)
}

/// An outcome, without what it borrows.
fn outcome(flag: &Flag, context: &[u8], scratch: &mut Scratch) -> Result<String, BadContext> {
    let mut evaluator = Evaluator::new(scratch, context, NOW)?;
    let outcome = evaluator.evaluate(flag);
    if let Outcome::Variant { index, .. } = outcome {
        assert!(index < flag.variants().len(), "{outcome:?} is no variant");
    }
    Ok(format!("{outcome:?}"))
}

/// The variant a flag gives for a context.
#[track_caller]
fn variant<'f>(flag: &'f Flag, context: &[u8], scratch: &mut Scratch) -> &'f str {
    let mut evaluator = Evaluator::new(scratch, context, NOW).expect("a good context");
    match evaluator.evaluate(flag) {
        Outcome::Variant { index, .. } => flag.variants()[index].name(),
        other => panic!("{other:?}"),
    }
}

fn unit(key: &str) -> Box<[u8]> {
    encode_object(json!({"targetingKey": key}).as_object().unwrap())
}

proptest! {
    #[test]
    fn any_rule_answers_in_any_context(rule in rule(), contexts in vec(context(), 1..4)) {
        for generation in GENERATIONS {
            let flag = targeted(&rule, generation);
            let mut used = Scratch::default();
            for context in &contexts {
                let context = encode_object(context);
                let first = outcome(&flag, &context, &mut used).expect("JSON is a good context");
                // What an evaluation leaves behind changes no later one.
                for scratch in [&mut used, &mut Scratch::default()] {
                    prop_assert_eq!(&first, &outcome(&flag, &context, scratch).unwrap());
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_a_context_or_a_bad_one(
        rule in rule(),
        noise in vec(any::<u8>(), 0..64),
        context in context(),
        cut in any::<prop::sample::Index>(),
        flip in any::<(prop::sample::Index, u8)>(),
    ) {
        let encoded = encode_object(&context).into_vec();
        let cut = encoded[..cut.index(encoded.len() + 1)].to_vec();
        let mut flipped = encoded.clone();
        if !flipped.is_empty() {
            let place = flip.0.index(flipped.len());
            flipped[place] ^= flip.1;
        }
        for generation in GENERATIONS {
            let flag = targeted(&rule, generation);
            let mut scratch = Scratch::default();
            for bytes in [&noise, &cut, &flipped] {
                // Refused or answered, and a refused one leaves nothing behind.
                drop(outcome(&flag, bytes, &mut scratch));
            }
            let fresh = outcome(&flag, &encoded, &mut Scratch::default());
            prop_assert_eq!(outcome(&flag, &encoded, &mut scratch), fresh);
        }
    }

    #[test]
    fn any_text_compiles_or_says_why(text in any::<String>(), noise in vec(any::<u8>(), 0..128)) {
        for text in [text.as_str(), &String::from_utf8_lossy(&noise)] {
            if let Err(problems) = compile(text, Generation::V2, &Layer::default()) {
                prop_assert!(!problems.is_empty());
            }
        }
    }

    #[test]
    fn any_document_compiles_to_the_same_twice(
        flags in vec((select(vec!["f", "g", "h"]), definition()), 0..4),
        evaluators in prop_oneof![data(), rule().prop_map(|rule| json!({"a": rule}))],
        metadata in data(),
        context in context(),
    ) {
        let flags: Map<_, _> =
            flags.into_iter().map(|(key, flag)| (key.to_owned(), flag)).collect();
        let document =
            json!({"flags": flags, "$evaluators": evaluators, "metadata": metadata}).to_string();
        let (once, twice) =
            (compiled(&document, Generation::V3), compiled(&document, Generation::V3));
        prop_assert_eq!(&once.diagnostics, &twice.diagnostics);
        let again = compile(&document, Generation::V3, &once.layer).expect("a document");
        let context = encode_object(&context);
        for (key, layer) in [("twice", &twice.layer), ("over itself", &again.layer)] {
            prop_assert_eq!(once.layer.flags().count(), layer.flags().count());
            for (one, other) in once.layer.flags().zip(layer.flags()) {
                prop_assert_eq!(one.flag().key(), other.flag().key(), "{}", key);
                prop_assert_eq!(one.flag().digest(), other.flag().digest());
                prop_assert_eq!(one.standing(), other.standing());
                let mut scratch = Scratch::default();
                let outcomes =
                    [one, other].map(|flag| outcome(flag.flag(), &context, &mut scratch));
                prop_assert_eq!(&outcomes[0], &outcomes[1]);
            }
        }
    }

    #[test]
    fn raising_the_first_share_moves_nobody_out_of_it(
        weights in vec(0u32..1000, 2..6),
        raise in vec(0u32..1000, 6),
        units in vec("[a-z0-9-]{1,12}", 16),
    ) {
        // What the first share gains the others lose, so the total stays.
        let mut raised = weights.clone();
        for (place, gain) in raise.iter().enumerate().take(raised.len()).skip(1) {
            let gain = *gain.min(&raised[place]);
            raised[place] -= gain;
            raised[0] += gain;
        }
        for generation in GENERATIONS {
            let (before, after) = (split(&weights, generation), split(&raised, generation));
            let mut scratch = Scratch::default();
            for key in &units {
                let unit = unit(key);
                if variant(&before, &unit, &mut scratch) == "v0" {
                    prop_assert_eq!(variant(&after, &unit, &mut scratch), "v0", "{}", key);
                }
            }
        }
    }

    #[test]
    fn equal_numbers_fall_into_one_bucket_however_written(number in any::<i32>()) {
        let shares: Vec<_> = (0..25).map(|share| json!([format!("v{share}"), 1])).collect();
        let flag = |by: Value| {
            let variants: Map<_, _> =
                (0..25).map(|share| (format!("v{share}"), json!(share))).collect();
            let targeting = bucketed(by, &shares);
            let flag = json!({"state": "ENABLED", "variants": variants, "targeting": targeting});
            only_flag(&json!({"flags": {"f": flag}}).to_string(), Generation::V3)
        };
        let context = encode_object(json!({"n": number}).as_object().unwrap());
        let mut scratch = Scratch::default();
        let expected = flag(json!(number));
        let expected = variant(&expected, &context, &mut scratch);
        for by in [
            json!(f64::from(number)),
            json!({"var": "n"}),
            json!({"+": [number.to_string()]}),
            json!({"/": [f64::from(number) * 2.0, 2]}),
        ] {
            let flag = flag(by.clone());
            prop_assert_eq!(variant(&flag, &context, &mut scratch), expected, "{}", by);
        }
    }

    #[test]
    fn the_order_of_attributes_does_not_matter(
        rule in rule(),
        context in context(),
        seed in any::<prop::sample::Index>(),
    ) {
        let mut shuffled: Vec<_> = context.iter().rev().collect();
        let turn = seed.index(shuffled.len() + 1);
        shuffled.rotate_left(turn);
        let (sorted, shuffled) = (encode_object(&context), encode_object(shuffled));
        // The whole context, hashed: nothing could depend on the order more.
        let whole = json!({"fractional": [{"var": ""}, ["on", 1], ["off", 1], ["true", 1]]});
        for rule in [rule, whole] {
            // A rule that hands on an object may hand on its order, but no answer shows it.
            let flag = targeted(&rule, Generation::V3);
            let mut scratch = Scratch::default();
            let outcomes = [sorted.as_ref(), shuffled.as_ref()]
                .map(|context| outcome(&flag, context, &mut scratch));
            prop_assert_eq!(&outcomes[0], &outcomes[1]);
        }
    }

    #[test]
    fn the_later_layer_wins_unless_its_flag_never_was_good(
        lower in layer("lower"),
        upper in layer("upper"),
    ) {
        let mut expected = BTreeMap::new();
        for flag in lower.flags().chain(upper.flags()) {
            let key = flag.flag().key();
            if flag.standing() == Standing::Good || !expected.contains_key(key) {
                expected.insert(key, Arc::as_ptr(flag.flag()));
            }
        }
        let merged: Vec<_> = merge([&lower, &upper])
            .iter()
            .map(|flag| (flag.flag().key(), Arc::as_ptr(flag.flag())))
            .collect();
        prop_assert_eq!(merged, expected.into_iter().collect::<Vec<_>>());
    }
}

/// Anything in the place of a flag, most of it a flag.
fn definition() -> impl Strategy<Value = Value> {
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
fn layer(name: &'static str) -> impl Strategy<Value = Layer> {
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

/// A split over `v0`, `v1`, … with these weights; who is in no share gets `none`.
fn split(weights: &[u32], generation: Generation) -> Arc<Flag> {
    let name = |place: usize| format!("v{place}");
    let mut variants: Map<_, _> =
        (0..weights.len()).map(|place| (name(place), json!(place))).collect();
    variants.insert("none".to_owned(), json!(-1));
    let shares: Vec<_> =
        weights.iter().enumerate().map(|(place, weight)| json!([name(place), weight])).collect();
    let flag = json!({
        "state": "ENABLED", "variants": variants, "defaultVariant": "none",
        "targeting": {"fractional": shares},
    });
    only_flag(&json!({"flags": {"split": flag}}).to_string(), generation)
}

#[test]
fn every_unit_falls_into_one_share_and_shares_are_as_large_as_their_weights() {
    const UNITS: u32 = 20_000;
    let units: Vec<_> = (0..UNITS).map(|unit_| unit(&format!("user-{unit_}"))).collect();
    let mut scratch = Scratch::default();
    for generation in GENERATIONS {
        for weights in [&[1, 99][..], &[25, 75], &[50, 0, 25, 25], &[1, 1, 1], &[2_147_483_646, 1]]
        {
            let flag = split(weights, generation);
            let mut counts = BTreeMap::new();
            for unit in &units {
                *counts.entry(variant(&flag, unit, &mut scratch)).or_insert(0) += 1;
            }
            let total: f64 = weights.iter().copied().map(f64::from).sum();
            for (place, weight) in weights.iter().enumerate() {
                let count = counts.remove(&*format!("v{place}")).unwrap_or(0);
                let share = f64::from(*weight) / total;
                let expected = f64::from(UNITS) * share;
                // Five standard deviations: the keys are fixed, so this holds today and always.
                let bound = 5.0 * (expected * (1.0 - share)).sqrt();
                let off = (f64::from(count) - expected).abs();
                assert!(off <= bound + 1.0, "{generation:?} {weights:?}: {count} in share {place}");
                assert!(*weight > 0 || count == 0, "{weights:?}: {count} in an empty share");
            }
            assert!(counts.is_empty(), "{weights:?}: units in no share: {counts:?}");
        }
    }
}

/// Evaluates `levels` of a rule, each around the next, on this thread's stack.
#[track_caller]
fn nested(levels: usize, rule: &str) -> Standing {
    let (before, after) = rule.split_once('@').expect("a rule with a place for the next");
    let text = format!("{}true{}", before.repeat(levels), after.repeat(levels));
    let compiled = compiled(&document(&text), Generation::V3);
    let flag = compiled.layer.flags().next().expect("the document has a flag");
    let context = encode_object(json!({"a": [1], "o": {"a": 1}}).as_object().unwrap());
    outcome(flag.flag(), &context, &mut Scratch::default()).expect("JSON is a good context");
    flag.standing()
}

#[test]
fn rules_nest_sixty_three_deep_and_no_deeper() {
    for name in OPERATORS {
        let rule = match name {
            "map" | "filter" | "all" | "some" | "none" => format!(r#"{{"{name}":[[1],@]}}"#),
            "reduce" => r#"{"reduce":[[1],@,"x"]}"#.to_owned(),
            "var" => r#"{"var":["nope",@]}"#.to_owned(),
            // Broken where they stand, so what is inside is never compiled.
            "$ref" | "log" | "" => continue,
            _ => format!(r#"{{"{name}":[@,1,"x"]}}"#),
        };
        assert_eq!(nested(63, &rule), Standing::Good, "{name}");
        assert_eq!(nested(64, &rule), Standing::Broken, "{name}");
    }
    assert_eq!(nested(126, "[@]"), Standing::Good, "literals are free");
    assert_eq!(nested(100_000, r#"{"!":[@]}"#), Standing::Broken);
    assert_eq!(nested(100_000, "[@]"), Standing::Broken);
    assert!(compile(&"[".repeat(1_000_000), Generation::V2, &Layer::default()).is_err());
}

/// Checks that a flag gives up instead of doing what its rule says.
#[track_caller]
fn gives_up(rule: &Value, context: &[u8]) {
    let flag = targeted(rule, Generation::V3);
    let mut scratch = Scratch::default();
    let mut evaluator = Evaluator::new(&mut scratch, context, NOW).expect("a good context");
    let outcome = evaluator.evaluate(&flag);
    assert!(matches!(outcome, Outcome::Failed(Failure::Parse(_))), "{rule}: {outcome:?}");
}

#[test]
fn no_rule_and_context_hold_a_worker_or_its_memory() {
    let list = |length: usize, element: &[u8]| field(6, &field(1, element).repeat(length));
    let elements = entry("l", &list(100_001, b""));
    gives_up(&json!({"some": [{"var": "l"}, {"==": [{"var": ""}, 1]}]}), &elements);
    gives_up(&json!({"map": [{"var": "l"}, {"map": [{"var": "l"}, 1]}]}), &elements);
    gives_up(&json!({"merge": [{"var": "l"}]}), &elements);

    // A copy of a large object for each element.
    let large = entry("o", &field(5, &entry("", b"").repeat(50_000)));
    let copies = json!({"filter": [{"var": "l"}, {"set": [{"var": "o"}, "a", 1]}]});
    gives_up(&copies, &[entry("l", &list(10_000, b"")), large].concat());

    // Texts that double.
    let twice = json!({"cat": [{"var": "accumulator"}, {"var": "accumulator"}]});
    gives_up(
        &json!({"reduce": [{"var": "l"}, twice, "ab"]}),
        &entry("l", &list(64, &field(3, b"x"))),
    );

    // Defaults of defaults, each asked for again in every scope: 21^20 look-ups.
    let mut rule = json!(null);
    (0..20).for_each(|_| rule = json!({"var": ["x", rule]}));
    (0..20).for_each(|_| rule = json!({"some": [[1], rule]}));
    gives_up(&rule, &[]);
}

/// A length-delimited protobuf field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    prost::encoding::encode_varint(content.len() as u64, &mut out);
    out.extend(content);
    out
}

/// An entry of a `google.protobuf.Struct`.
fn entry(name: &str, value: &[u8]) -> Vec<u8> {
    field(1, &[field(1, name.as_bytes()), field(2, value)].concat())
}

#[test]
fn contexts_nest_a_hundred_deep_and_no_deeper() {
    type Wrap<'w> = &'w dyn Fn(&[u8]) -> Vec<u8>;

    let list = |inner: &[u8]| field(6, &field(1, inner));
    let pair = |inner: &[u8]| field(6, &[field(1, &[8, 0]), field(1, inner)].concat());
    let object = |inner: &[u8]| field(5, &entry("a", inner));
    let wraps: [Wrap<'_>; 3] = [&list, &pair, &object];
    let rules = [
        bucketed(json!({"var": "o"}), &[json!(["on", 1])]),
        bucketed(json!({"set": [{"var": ""}, "l", 1]}), &[json!(["on", 1])]),
        json!({"cat": [{"var": "o"}, "x"]}),
        json!({"in": [1, {"var": "o"}]}),
        json!({"merge": [{"var": "o"}]}),
        json!([{"var": "o"}]),
        json!({"===": [{"var": "o"}, {"var": "o"}]}),
    ];
    for wrap in wraps {
        for (levels, expected) in
            [(99, Ok(())), (100, Err(BadContext::Malformed)), (3_000, Err(BadContext::Malformed))]
        {
            let text = field(3, b"x");
            let context = entry("o", &(0..levels).fold(text, |inner, _| wrap(&inner)));
            for rule in &rules {
                let flag = targeted(rule, Generation::V3);
                let outcome = outcome(&flag, &context, &mut Scratch::default());
                assert_eq!(outcome.map(|_| ()), expected, "{levels} levels: {rule}");
            }
        }
    }
}
