//! How deep, large and costly a rule and a context may be.

use super::made_up::{NOW, OPERATORS, bucketed, compiled, document, outcome, targeted};
use flagstaff::flag::{
    BadContext, Evaluator, Failure, Format, Generation, Layer, Outcome, Scratch, Standing, compile,
    encode_object,
};
use serde_json::{Value, json};

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
    assert!(
        compile("[".repeat(1_000_000).as_bytes(), Format::Json, Generation::V2, &Layer::default())
            .is_err()
    );
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
