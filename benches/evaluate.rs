//! From the bytes of a request to the chosen answer: without snapshot, timing and counting.
//!
//! `cargo bench --bench evaluate` prints the least time of many rounds for a static flag, a rule
//! over five attributes and a split. With `-- --only KEY CALLS` it answers one flag so many times, for
//! a tool that counts instructions.
#![expect(clippy::print_stdout, reason = "a bench prints")]

use bytes::Bytes;
use flagstaff::{
    pb::flagd::evaluation::v2::ResolveBooleanRequest,
    wire::{Answers, ResolveRequest, Type},
};
use flagstaff_core::{Evaluator, Flag, Format, Generation, Layer, Outcome, Scratch, compile};
use foldhash::fast::RandomState;
use prost::Message;
use prost_types::{Struct, Value, value::Kind};
use std::{collections::HashMap, error::Error, hint::black_box, sync::Arc, time::Instant};

const FLAGS: &str = r#"{
  "flags": {
    "static": {
      "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "on"
    },
    "rule": {
      "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
      "targeting": { "if": [{ "and": [
        { "==": [{ "var": "plan" }, "enterprise"] },
        { "in": [{ "var": "country" }, ["DE", "AT", "CH"]] },
        { "ends_with": [{ "var": "email" }, "@example.com"] },
        { ">=": [{ "var": "seats" }, 50] },
        { "sem_ver": [{ "var": "version" }, ">=", "4.2.0"] }
      ] }, "on"] }
    },
    "split": {
      "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
      "targeting": { "fractional": [["on", 25], ["off", 75]] }
    }
  }
}"#;

const ROUNDS: u32 = 400;
const PER_ROUND: u32 = 5_000;

/// The same rule and split as people write them, and lists of one and of ten thousand ids.
fn readable() -> String {
    let ids: Vec<String> = (0..10_000).map(|id| format!("id-{id:05}@example.com")).collect();
    format!(
        r#"
flagstaff: 1
bucketing: v2
flags:
  readable rule:
    rules:
      - if:
          plan: enterprise
          country: [DE, AT, CH]
          email: {{ ends_with: "@example.com" }}
          seats: ">= 50"
          version: ">= 4.2.0"
        serve: on
  readable split: {{ rollout: 25% }}
  list of one:
    rules: [{{ if: {{ email: [somebody@example.com] }}, serve: on }}]
  list of ten thousand:
    rules: [{{ if: {{ email: [somebody@example.com, {}] }}, serve: on }}]
"#,
        ids.join(", ")
    )
}

fn main() -> Result<(), Box<dyn Error>> {
    let text = |text: &str| Value { kind: Some(Kind::StringValue(text.to_owned())) };
    let fields = [
        ("targetingKey".to_owned(), text("user-0000000001")),
        ("plan".to_owned(), text("enterprise")),
        ("country".to_owned(), text("DE")),
        ("email".to_owned(), text("somebody@example.com")),
        ("seats".to_owned(), Value { kind: Some(Kind::NumberValue(80.0)) }),
        ("version".to_owned(), text("4.10.1")),
    ];
    let context = Struct { fields: fields.into() };
    let mut flags = Flags::default();
    for (content, format) in [(FLAGS.to_owned(), Format::Json), (readable(), Format::Yaml)] {
        let compiled = compile(content.as_bytes(), format, Generation::V2, &Layer::default());
        let layer = compiled.map_err(|problems| format!("{problems:?}"))?.layer;
        for flag in layer.flags().map(|flag| Arc::clone(flag.flag())) {
            flags.insert(flag.key().into(), (Answers::new(&flag), flag));
        }
    }
    let request = |key: &str| {
        let context = Some(context.clone());
        ResolveBooleanRequest { flag_key: key.to_owned(), context }.encode_to_vec()
    };
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, only, key, calls, ..] = &arguments[..]
        && only == "--only"
    {
        let (request, mut scratch) = (request(key), Scratch::default());
        for _ in 0..calls.parse::<u32>()? {
            black_box(answer(black_box(&flags), black_box(&request), &mut scratch));
        }
        return Ok(());
    }
    let measured = |key: &str| {
        let request = request(key);
        (least(&flags, &request), request.len())
    };
    for (key, goal) in [("static", 40.0), ("rule", 250.0), ("split", 220.0)] {
        let (nanoseconds, size) = measured(key);
        println!(
            "{key:>6}: {nanoseconds:4.0} ns for a request of {size} bytes (goal {goal:.0} ns)"
        );
    }
    for (key, beside) in [
        ("readable rule", "rule"),
        ("readable split", "split"),
        ("list of ten thousand", "list of one"),
    ] {
        // In turns, since the machine is not the same from one moment to the next.
        let ratios = (0..3).map(|_| measured(key).0 / measured(beside).0);
        let ratio = ratios.min_by(f64::total_cmp).unwrap_or_default();
        println!("{key}: {ratio:.2} x the {beside}");
    }
    Ok(())
}

/// With the hash that a snapshot uses.
type Flags = HashMap<Box<str>, (Answers, Arc<Flag>), RandomState>;

/// What a worker does with a request between its snapshot and its counters.
fn answer(flags: &Flags, request: &[u8], scratch: &mut Scratch) -> Option<Bytes> {
    let request = ResolveRequest::read(request).ok()?;
    let (answers, flag) = flags.get(request.flag_key)?;
    let outcome = match flag.constant() {
        Some(outcome) => outcome,
        None => Evaluator::new(scratch, request.context, 1_800_000_000).ok()?.evaluate(flag),
    };
    let Outcome::Variant { index, reason, .. } = outcome else { return None };
    answers.variant(flag, (index, reason), Type::Boolean)
}

/// The least time of one answer, in nanoseconds.
fn least(flags: &Flags, request: &[u8]) -> f64 {
    assert!(answer(flags, request, &mut Scratch::default()).is_some(), "nothing is answered");
    let mut scratch = Scratch::default();
    let mut least = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..PER_ROUND {
            black_box(answer(black_box(flags), black_box(request), &mut scratch));
        }
        least = least.min(start.elapsed().as_nanos() as f64 / f64::from(PER_ROUND));
    }
    least
}
