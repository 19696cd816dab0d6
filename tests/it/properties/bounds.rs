//! How deep, large and costly a rule and a context may be.

use super::made_up::{NOW, OPERATORS, bucketed, compiled, document, outcome, targeted};
use flagstaff_core::{
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

/// A rule of 2 KB that doubles a list 38 times.
fn doubled() -> Value {
    (0..38).fold(json!([1]), |list, _| json!({"map": [list, [{"var": ""}, {"var": ""}]]}))
}

#[test]
fn output_ends_with_the_budget() {
    let number = entry("n", &[&[0x11], &1.5f64.to_le_bytes()[..]].concat());
    let object = entry("o", &field(5, b""));
    gives_up(&doubled(), &[]);
    gives_up(&json!({"if": [{"==": [{"cat": [doubled()]}, "x"]}, "on"]}), &[]);
    gives_up(&json!({"if": [{"in": ["x", {"cat": [doubled()]}]}, "on"]}), &[]);
    gives_up(&json!({"if": [{"substr": [doubled(), 1]}, "on"]}), &[]);
    gives_up(&json!({"reduce": [[1], doubled(), "x"]}), &number);
    gives_up(
        &bucketed(json!({"set": [{"var": "o"}, "x", doubled()]}), &[json!(["on", 1])]),
        &object,
    );
    // An explanation is short, and has the same outcome.
    let flag = targeted(&doubled(), Generation::V2);
    let mut scratch = Scratch::default();
    let mut evaluator = Evaluator::new(&mut scratch, &[], NOW).expect("a good context");
    let (steps, outcome) = evaluator.explain(&flag);
    assert!(matches!(outcome, Outcome::Failed(Failure::Parse(_))), "{outcome:?}");
    assert!(steps.iter().map(|step| step.text.len()).sum::<usize>() < 40_000);
}

/// Checks that a rule gives up if it is run for each of 10 000 elements beside two texts of 450 000
/// bytes. A filter looks attributes up around it first.
#[track_caller]
fn charges(body: &Value) {
    let list = entry("l", &field(6, &field(1, &field(5, b"")).repeat(10_000)));
    let text = |name| entry(name, &field(3, "1".repeat(450_000).as_bytes()));
    let context = [list, text("t"), text("u")].concat();
    gives_up(&json!({"if": [{"filter": [{"var": "l"}, body]}, "on"]}), &context);
}

#[test]
fn long_texts_are_charged_by_their_length() {
    let text = json!({"var": "t"});
    let long = json!({"var": "u"});
    for inner in [
        json!({"in": ["b", text]}),
        json!({"in": [text, long]}),
        json!({"==": [text, long]}),
        json!({"<": [text, long]}),
        json!({"==": [text, 1]}),
        json!({"+": [text, 1]}),
        json!({"in": [text, [long, 1]]}),
        json!({"in": [text, ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]]}),
        json!({"starts_with": [text, long]}),
        json!({"ends_with": [text, long]}),
        json!({"sem_ver": [text, "=", "1.0.0"]}),
        json!({"sem_ver": [text, "=", long]}),
        json!({"substr": [text, 400_000, 1]}),
        json!({"cat": [text, "x"]}),
        json!({"var": [text]}),
        json!({"missing": [text]}),
        json!({"contains_any": [{"merge": [text]}, {"merge": [long]}]}),
        bucketed(text, &[json!(["on", 1])]),
    ] {
        charges(&inner);
    }
}

#[test]
fn cat_ends_before_it_makes_a_gigabyte() {
    let context = entry("t", &field(3, "a".repeat(900_000).as_bytes()));
    let many = json!({"cat": vec![json!({"var": "t"}); 9_000]});
    let flag = targeted(&json!({"if": [many, "on"]}), Generation::V2);
    let mut scratch = Scratch::default();
    let mut evaluator = Evaluator::new(&mut scratch, &context, NOW).expect("a good context");
    let outcome = evaluator.evaluate(&flag);
    assert!(matches!(outcome, Outcome::Failed(Failure::Parse(_))), "{outcome:?}");
    assert!(evaluator.usage().bytes < 4 << 20, "{:?}", evaluator.usage());
}

#[test]
fn a_crowd_of_attributes_is_found_without_an_index() {
    let others = (0..30_000).map(|n| entry(&format!("x{n}"), &field(3, b"y")));
    let context = [entry("a", &field(3, b"on"))].into_iter().chain(others).collect::<Vec<_>>();
    let context = context.concat();
    let flag = targeted(&json!({"var": "a"}), Generation::V2);
    let mut scratch = Scratch::default();
    let mut evaluator = Evaluator::new(&mut scratch, &context, NOW).expect("a good context");
    assert!(matches!(evaluator.evaluate(&flag), Outcome::Variant { .. }));
    assert!(evaluator.usage().bytes < 1 << 20, "{:?}", evaluator.usage());
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
            [(99, Ok(())), (100, Err(BadContext::TooDeep)), (3_000, Err(BadContext::TooDeep))]
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
