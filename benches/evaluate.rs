//! From the bytes of a request to the chosen answer: without snapshot, timing and counting.
//!
//! `cargo bench --bench evaluate` prints the least time of many rounds for a static flag, a rule
//! over five attributes and a split.
#![expect(clippy::print_stdout, reason = "a bench prints")]

use bytes::Bytes;
use flagstaff::{
    flag::{Evaluator, Flag, Format, Generation, Layer, Outcome, Scratch, compile},
    pb::flagd::evaluation::v2::ResolveBooleanRequest,
    wire::{Answers, ResolveRequest, Type},
};
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

fn main() -> Result<(), Box<dyn Error>> {
    let compilation = compile(FLAGS.as_bytes(), Format::Json, Generation::V2, &Layer::default())
        .map_err(|problems| format!("{problems:?}"))?;
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
    let flags: Flags = compilation
        .layer
        .flags()
        .map(|flag| Arc::clone(flag.flag()))
        .map(|flag| (flag.key().into(), (Answers::new(&flag), flag)))
        .collect();
    for (key, goal) in [("static", 50.0), ("rule", 300.0), ("split", 250.0)] {
        let request =
            ResolveBooleanRequest { flag_key: key.to_owned(), context: Some(context.clone()) };
        let request = request.encode_to_vec();
        let nanoseconds = least(&flags, &request);
        let size = request.len();
        println!(
            "{key:>6}: {nanoseconds:4.0} ns for a request of {size} bytes (goal {goal:.0} ns)"
        );
    }
    Ok(())
}

type Flags = HashMap<Box<str>, (Answers, Arc<Flag>)>;

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
