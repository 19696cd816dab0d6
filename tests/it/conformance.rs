//! What flagd answers, case by case: runs the recorded cases of `tests/conformance` (its README
//! says where they come from and what their fields mean).

use flagstaff_core::{
    Evaluator, Failure, Format, Generation, Layer, Outcome, Scratch, compile, encode_object,
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fs, path::Path};

/// When the rules run, in Unix seconds; some cases tell it.
const NOW: i64 = 1_700_000_000;

/// Runs all cases of one file and reports every one that does not hold.
#[track_caller]
fn check(file: &str, count: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let cases: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(cases.len(), count, "the cases of {file}");

    // Every name a case of the file expects is a variant, so that a wrong answer has a name too.
    let names = cases.iter().filter_map(|case| case["expect"]["variant"].as_str());
    let variants: Map<_, _> = names.map(|name| (name.to_owned(), true.into())).collect();
    let mut scratch = Scratch::default();
    let failures: Vec<_> = cases
        .iter()
        .filter_map(|case| {
            let (expected, got) = (&case["expect"], answer(case, &variants, &mut scratch));
            (*expected != got).then(|| format!("{}: expected {expected}, got {got}", case["id"]))
        })
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {count} cases of {file} fail:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// What a case gives, as its `expect` would say it.
fn answer(case: &Value, variants: &Map<String, Value>, scratch: &mut Scratch) -> Value {
    let document = match (case.get("rule"), &case["document"]) {
        (Some(rule), _) => {
            let mut flag = json!({"state": "ENABLED", "defaultVariant": "fallback"});
            flag["variants"] = variants.clone().into();
            flag["variants"]["fallback"] = true.into();
            flag["targeting"] = rule.clone();
            json!({"flags": {"flag": flag}}).to_string()
        }
        (None, Value::String(text)) => text.clone(),
        (None, document) => document.to_string(),
    };
    let Ok(compiled) =
        compile(document.as_bytes(), Format::Json, Generation::V2, &Layer::default())
    else {
        return json!({"error": "REJECTED"});
    };
    let flags: BTreeMap<_, _> =
        compiled.layer.flags().map(|flag| (flag.flag().key(), flag.flag())).collect();
    let Some(flag) = flags.get(case["flag"].as_str().unwrap_or("flag")) else {
        return json!({"error": "FLAG_NOT_FOUND"});
    };
    let context = case["context"].as_object().map(encode_object).unwrap_or_default();
    let mut evaluator = Evaluator::new(scratch, &context, NOW).expect("JSON is a good context");
    // What is told of an answer comes to that answer.
    let (steps, told) = evaluator.explain(flag);
    assert!(!steps.is_empty(), "{}", case["id"]);
    let outcome = evaluator.evaluate(flag);
    assert_eq!(told, outcome, "{}: {steps:?}", case["id"]);
    match outcome {
        Outcome::Variant { index, reason, .. } => {
            json!({"variant": flag.variants()[index].name(), "reason": reason.as_str()})
        }
        Outcome::CodeDefault => json!({"reason": "FALLBACK"}),
        Outcome::Disabled => json!({"reason": "DISABLED"}),
        Outcome::Failed(Failure::Parse(_)) => json!({"error": "PARSE_ERROR"}),
        Outcome::Failed(Failure::General) => json!({"error": "GENERAL"}),
    }
}

#[test]
fn equality_and_order_are_those_of_flagd() {
    check("comparison.jsonl", 162);
}

#[test]
fn arithmetic_is_that_of_flagd() {
    check("arithmetic.jsonl", 165);
}

#[test]
fn logic_and_literals_are_those_of_flagd() {
    check("logic.jsonl", 220);
}

#[test]
fn texts_and_versions_are_those_of_flagd() {
    check("text.jsonl", 219);
}

#[test]
fn lists_are_those_of_flagd() {
    check("lists.jsonl", 192);
}

#[test]
fn attributes_are_found_as_flagd_finds_them() {
    check("lookup.jsonl", 114);
}

#[test]
fn units_fall_into_the_shares_flagd_puts_them_in() {
    check("fractional.jsonl", 188);
}

#[test]
fn documents_load_and_resolve_as_in_flagd() {
    check("documents.jsonl", 235);
}
