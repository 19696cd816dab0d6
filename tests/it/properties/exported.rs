//! An exported file serves what the file it was made from serves, whatever happened to that file.
//!
//! `MUTATIONS=1000000 cargo test --release --test it exported` tries 250,000 files instead of a
//! thousand.

use super::{
    made_up::NOW,
    mutations::{JSON, READABLE, YAML, count, mutate},
};
use fastrand::Rng;
use flagstaff_check::export;
use flagstaff_core::{
    Compilation, Evaluator, Flag, Format, Generation, Layer, Level, Lists, Outcome, Scratch,
    Standing, compile, encode_object,
};
use serde_json::{Value, json};

/// Names that mean something in some place or in another case, and names that do not.
const NAMES: [&str; 26] = [
    "state",
    "State",
    "variants",
    "VARIANTS",
    "defaultVariant",
    "defaultvariant",
    "targeting",
    "Targeting",
    "metadata",
    "Metadata",
    "key",
    "flags",
    "Flags",
    "$evaluators",
    "$EVALUATORS",
    "fractional",
    "insider",
    "on",
    "off",
    "killed",
    "serve",
    "owner",
    "segments",
    "bucketing",
    "x-mine",
    "unread",
];

/// Values that a reader may skip, refuse, round, or take for something else.
const VALUES: [&str; 38] = [
    "1e999",
    "-1e999",
    "1e-999",
    "9007199254740993",
    "-9007199254740993",
    "18446744073709551616",
    "123456789012345678901234567890.5",
    "-0",
    "-0.0",
    "0.1",
    "5e-324",
    "1.7976931348623157e308",
    ".inf",
    "-.INF",
    ".nan",
    "0x7fffffffffffffff",
    "\"\\ud800\"",
    "\"\\ud83d\\ude00\"",
    "\"\\u0000\"",
    "\"on\"",
    "\"off\"",
    "\"\"",
    "\"ENABLED\"",
    "\"DISABLED\"",
    "\"disabled\"",
    "\"v2\"",
    "\"v3\"",
    "\"v4\"",
    "null",
    "true",
    "{}",
    "[]",
    "{\"on\": 1e999}",
    "{\"on\": true, \"off\": false, \"ON\": 1, \"on\": 2}",
    "{\"if\": [{\"$ref\": \"insider\"}, \"on\", {\"fractional\": [[\"on\", 5], [\"off\", 95]]}]}",
    "{\"a\": \"\\udc00\", \"b\": .nan}",
    "{\"targeting\": 1e999}",
    "{\"fractional\": \"v9\", \"a\": null, \"b\": {\"c\": [1, 9007199254740993]}}",
];

/// Writes a member into a mapping of JSON, or of YAML in either of its styles.
fn insert_member(rng: &mut Rng, text: &mut Vec<u8>) {
    let name = rng.choice(NAMES).unwrap_or_default();
    let value = match rng.u8(..24) {
        0 => "9".repeat(400),
        1 => format!("{}1{}", "[".repeat(130), "]".repeat(130)),
        _ => rng.choice(VALUES).unwrap_or_default().to_owned(),
    };
    let is_block = rng.bool();
    let wanted = if is_block { b'\n' } else { b'{' };
    let places: Vec<usize> = (0..text.len()).filter(|at| text[*at] == wanted).collect();
    let Some(at) = rng.choice(places) else { return };
    let member = match is_block {
        true => {
            let next = text[at + 1..].iter().take_while(|byte| **byte == b' ').count();
            format!("{}{name}: {value}\n", " ".repeat(next))
        }
        false if text[at + 1..].trim_ascii_start().starts_with(b"}") => {
            format!("\"{name}\": {value}")
        }
        false => format!("\"{name}\": {value}, "),
    };
    text.splice(at + 1..at + 1, member.into_bytes());
}

/// Everything that clients get of a flag, for some contexts at some times.
fn answers(flag: &Flag) -> Vec<String> {
    let contexts = [
        json!({}),
        json!({"targetingKey": "user-1", "email": "ana@example.com", "v": "1.4", "plan": "pro"}),
        json!({"targetingKey": "user-7", "country": "DE", "seats": 7, "age": 30, "company": "c"}),
        json!({"targetingKey": "", "app": "1.3.0", "country": 1, "a": -0.0, "email": null}),
    ];
    let mut scratch = Scratch::default();
    let mut answers = Vec::new();
    for context in &contexts {
        let context = encode_object(context.as_object().unwrap());
        for at in [0, NOW, 1_796_200_000, 1_797_500_000, 253_402_300_799] {
            let mut evaluator = Evaluator::new(&mut scratch, &context, at).unwrap();
            answers.push(match evaluator.evaluate(flag) {
                Outcome::Variant { index, reason, .. } => {
                    let variant = &flag.variants()[index];
                    format!("{} {:?} {}", variant.name(), variant.value(), reason.as_str())
                }
                Outcome::Failed(why) => format!("{why:?}").split('(').take(1).collect(),
                other => format!("{other:?}"),
            });
        }
    }
    answers.push(format!("{:?}", flag.metadata()));
    answers
}

/// Exports a file and compares what both serve. Returns whether the file could be read.
fn compare(text: &[u8], format: Format) -> bool {
    let shown = || String::from_utf8_lossy(text);
    let compiled = compile(text, format, Generation::V2, &Layer::default());
    let exported = export(&Lists::new(), text, format, Generation::V2);
    let Ok(Compilation { layer, .. }) = compiled else {
        assert!(exported.is_err(), "refused, and exported:\n{}", shown());
        return false;
    };
    let (exported, _) = exported.expect("what compiles can be exported");
    // Neither the name of the file nor an option of the reader may change anything.
    let again = compile(exported.as_bytes(), Format::Json, Generation::V3, &Layer::default());
    let again = again.unwrap_or_else(|why| panic!("{why:?}\n{exported}\nof\n{}", shown())).layer;
    let mut kept = 0;
    for flag in layer.flags() {
        let key = flag.flag().key();
        let other = again.flags().find(|flag| flag.flag().key() == key);
        if flag.standing() != Standing::Good {
            let is_told = flag.problems().iter().any(|problem| problem.level == Level::Error);
            assert!(is_told && other.is_none(), "{key}\n{exported}\nof\n{}", shown());
            continue;
        }
        kept += 1;
        let other = other.unwrap_or_else(|| panic!("{key} is gone\n{exported}\nof\n{}", shown()));
        let (one, two) = (answers(flag.flag()), answers(other.flag()));
        assert_eq!(one, two, "{key}\n{exported}\nof\n{}", shown());
    }
    assert_eq!(again.flags().count(), kept, "\n{exported}\nof\n{}", shown());
    let twice = export(&Lists::new(), exported.as_bytes(), Format::Json, Generation::V3);
    let document = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(document(&twice.unwrap().0), document(&exported), "of\n{}", shown());
    true
}

#[test]
fn an_exported_file_serves_what_its_file_serves() {
    let translated: Value = {
        let read = export(&Lists::new(), READABLE.as_bytes(), Format::Yaml, Generation::V2);
        serde_json::from_str(&read.unwrap().0).unwrap()
    };
    let originals = [
        (JSON.to_owned(), Format::Json),
        (YAML.to_owned(), Format::Yaml),
        (JSON.to_owned(), Format::Yaml),
        (READABLE.to_owned(), Format::Yaml),
        (format!("{translated:#}"), Format::Json),
        (READABLE_JSON.to_owned(), Format::Json),
    ];
    let (mut read, mut tried) = (0, 0);
    let each = (count() / 4).div_ceil(originals.len());
    for (seed, (text, format)) in originals.iter().enumerate() {
        assert!(compare(text.as_bytes(), *format), "original {seed} is good");
        let mut rng = Rng::with_seed(100 + seed as u64);
        for _ in 0..each {
            let mut mutated = text.clone().into_bytes();
            for _ in 0..rng.usize(1..4) {
                insert_member(&mut rng, &mut mutated);
            }
            if rng.u8(..4) == 0 {
                mutate(&mut rng, &mut mutated);
            }
            tried += 1;
            read += usize::from(compare(&mutated, *format));
        }
    }
    println!("{tried} files, {read} of them readable");
    assert!(read * 4 > tried, "too few files could be read: {read} of {tried}");
}

/// The readable format, written as JSON.
const READABLE_JSON: &str = r#"{
  "flagstaff": 1,
  "bucketing": "v2",
  "time_zone": "UTC",
  "metadata": {"team": "shop", "level": 9007199254740991},
  "segments": {"insider": {"email": {"ends_with": "@example.com"}}},
  "flags": {
    "a": {"owner": "o", "why": "w", "kind": "ops", "variants": {"on": 1.50, "off": -0.0}, "rules": [{"if": "insider", "serve": "on"}], "rollout": {"serve": "on", "to": "50%"}},
    "b": {"owner": "o", "why": "w", "kind": "ops", "killed": true, "serve": "on"},
    "c": {"requires": {"a": "on"}, "start": "2026-12-01", "serve": "on", "metadata": {"n": 0.1}}
  }
}"#;

#[test]
fn members_that_are_not_read_cannot_keep_a_flag_from_the_export() {
    for (flag, state) in [
        (r#""x": 1e999, "state": "ENABLED""#, "ENABLED"),
        (r#""x": "\ud800", "state": "ENABLED""#, "ENABLED"),
        (r#""STATE": "DISABLED", "state": "ENABLED""#, "DISABLED"),
        (r#""state": "ENABLED", "STATE": "DISABLED""#, "DISABLED"),
        (r#""state": "ENABLED", "state": "DISABLED", "targeting": 1e999"#, "DISABLED"),
        (r#""y": {"z": [1e999, "\udc00"]}"#, "ENABLED"),
    ] {
        let text = format!(
            r#"{{"flags": {{"f": {{{flag}, "variants": {{"on": 9007199254740993, "off": 2}}, "defaultVariant": "on"}}}}}}"#
        );
        assert!(compare(text.as_bytes(), Format::Json));
        let exported = export(&Lists::new(), text.as_bytes(), Format::Json, Generation::V3);
        let exported: Value = serde_json::from_str(&exported.unwrap().0).unwrap();
        let expected = json!({
            "metadata": {"fractional": "v3"},
            "flags": {"f": {
                "state": state,
                "variants": {"on": 9_007_199_254_740_992_u64, "off": 2},
                "defaultVariant": "on",
            }},
        });
        assert_eq!(exported, expected, "{flag}");
    }
}
