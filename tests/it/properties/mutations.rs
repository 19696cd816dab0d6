//! Files and requests that were good before something happened to their bytes.
//!
//! `MUTATIONS=1000000 cargo test --release --test it mutat` tries a million of each instead of a
//! few thousand.

use super::made_up::NOW;
use fastrand::Rng;
use flagstaff::wire::{Answers, ResolveRequest, Type};
use flagstaff_check::{export, run_tests};
use flagstaff_core::{
    Compilation, Evaluator, Flag, Format, Generation, Layer, Lists, Scratch, compile, encode_object,
};
use prost::Message;
use serde_json::json;
use std::env;

pub(super) const JSON: &str = include_str!("../../../config/flags.json");

pub(super) const YAML: &str = r#"
metadata: &meta { fractional: v2, owner: "all" }
$evaluators:
  insider: &rule
    or:
      - ends_with: [{ var: email }, "@example.com"]
      - in: [{ var: [country, DE] }, [DE, AT, 1, true, ~]]
flags:
  switch: &flag
    state: ENABLED
    variants: { on: true, off: false }
    defaultVariant: off
  split:
    <<: *flag
    targeting: { if: [{ $ref: insider }, "on", { fractional: [[on, 5], [off, 95]] }] }
    metadata: *meta
  text: # of several lines
    state: 'DISABLED'
    variants:
      long: |
        one
        two
      short: >-
        a 	tab
      "quoted \u00e9": .5
    defaultVariant: short
    targeting: *rule
  list: { variants: { a: 0x1F, b: -1e3 }, defaultVariant: a, targeting: { sem_ver: [ { var: v }, "^", "1.2.3" ] } }
"#;

pub(super) const READABLE: &str = r#"
flagstaff: 1
bucketing: v3
time_zone: Europe/Berlin
x-common: &common { owner: team, why: to be changed, kind: release, expires: 2027-03-01 }
segments:
  paying: { plan: [pro, enterprise], seats: ">= 5 < 500" }
  friends: { any: [paying, { email: { ends_with: "@example.com" } }], app: { version: "^1.2" } }
flags:
  launch: { <<: *common, start: 2026-12-01 09:00, end: 2027-01-01, serve: on, by: company, salt: s }
  ramp:
    <<: *common
    rules:
      - { if: friends, serve: on, because: they asked }
      - { if: [paying, { not: { country: [DE, NO] } }, { age: { exists: yes } }], rollout: 12.5% }
    rollout: [1%, 5% from 2026-12-03 09:00, 100% from 2026-12-15T09:00:00Z]
    hold_at: 5%
  test:
    variants: { a: { n: 1, l: [x] }, b: { n: 2, l: [] } }
    schema: { n: integer, l: [string] }
    requires: { ramp: on }
    experiment: { traffic: 30%, split: { a: 1, b: 2 }, outside: a }
  inline: { killed: false, targeting: { if: [{ $ref: friends }, on] }, metadata: { a: 1 } }
tests:
  - { user: { targetingKey: user-1 }, at: 2026-12-09, expect: { launch: on, inline: off } }
  - { users: 50, expect_share: { ramp: { on: 5% ± 30% } } }
"#;

/// What breaks parsers, and what rules are made of.
const TOKENS: [&str; 56] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    ":",
    ",",
    "\n",
    "\t",
    " ",
    "- ",
    "? ",
    "& ",
    "&a ",
    "*a",
    "*flag",
    "<<: *flag",
    "|",
    ">",
    "#",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "!!float ",
    "!x ",
    "\\",
    "\\u0000",
    "\\ud800",
    "\u{feff}",
    "\u{0}",
    "é",
    "😀",
    "null",
    "~",
    "NaN",
    ".inf",
    "-.inf",
    "1e999",
    "99999999999999999999999",
    "-0",
    "0x",
    "$ref",
    "fractional",
    "var",
    "state",
    "flags",
    "{\"if\":[",
    "flagstaff: 1\n",
    "killed: on",
    ">= 4.2.0 <",
    "100%",
    "0.0001%",
    " from 9999-12-31",
    "requires: ramp",
    "in_list: x",
];

pub(super) fn count() -> usize {
    env::var("MUTATIONS").map_or(4_000, |count| count.parse().expect("MUTATIONS is a number"))
}

/// Changes a few places of a text's bytes.
pub(super) fn mutate(rng: &mut Rng, text: &mut Vec<u8>) {
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(..=text.len());
        let end = (at + rng.usize(..40)).min(text.len());
        match rng.u8(..8) {
            0 => text.truncate(at),
            1 => drop(text.drain(at..end)),
            2 => {
                let part = text[at..end].to_vec();
                let to = rng.usize(..=text.len());
                text.splice(to..to, part);
            }
            3 => text.insert(at, rng.u8(..)),
            4 if at < text.len() => text[at] ^= 1 << rng.u8(..8),
            5 => {
                let token = rng.choice(TOKENS).unwrap_or_default();
                text.splice(at..at, token.repeat(rng.usize(1..300)).into_bytes());
            }
            _ => {
                let token = rng.choice(TOKENS).unwrap_or_default();
                text.splice(at..end.min(at + 4), token.bytes());
            }
        }
    }
}

/// Checks what must hold of anything that was compiled, or refused.
fn check(text: &[u8], format: Format, before: &Layer) {
    let lines = text.split(|byte| matches!(byte, b'\n' | b'\r')).count();
    let compiled = compile(text, format, Generation::V2, before);
    let problems = match &compiled {
        Ok(Compilation { diagnostics, .. }) => diagnostics,
        Err(problems) => problems,
    };
    assert!(compiled.is_ok() || !problems.is_empty(), "refused, and nobody says why");
    for problem in problems {
        let (line, column) = (problem.position.line, problem.position.column);
        let shown = String::from_utf8_lossy(text);
        assert!(
            (1..=lines + 1).contains(&line) && column > 0,
            "{problem}\n{lines} lines:\n{shown}"
        );
    }
    let Ok(Compilation { layer, .. }) = compiled else { return };
    run_tests(text, format, &layer, Some(NOW));
    export(&Lists::new(), text, format, Generation::V2).expect("what compiles can be exported");
    let context = json!({"targetingKey": "user-1", "email": "a@example.com", "v": "1.4"});
    let context = encode_object(context.as_object().into_iter().flatten());
    let mut scratch = Scratch::default();
    let mut evaluator = Evaluator::new(&mut scratch, &context, NOW).expect("a good context");
    for flag in layer.flags() {
        evaluator.evaluate(flag.flag());
        Answers::new(flag.flag());
    }
}

#[test]
fn mutated_files_compile_or_say_why_and_where() {
    let originals = [
        (JSON, Format::Json),
        (YAML, Format::Yaml),
        (JSON, Format::Yaml),
        (READABLE, Format::Yaml),
    ];
    for (seed, (text, format)) in originals.into_iter().enumerate() {
        let mut rng = Rng::with_seed(seed as u64);
        let before = compile(text.as_bytes(), format, Generation::V2, &Layer::default());
        let before = before.expect("the original is good").layer;
        for _ in 0..count() / 4 + 1 {
            let mut mutated = text.as_bytes().to_vec();
            mutate(&mut rng, &mut mutated);
            check(&mutated, format, &before);
        }
    }
}

#[test]
fn mutated_requests_are_answered_or_refused() {
    let layer = compile(JSON.as_bytes(), Format::Json, Generation::V2, &Layer::default());
    let layer = layer.expect("the example is good").layer;
    let flags: Vec<(&Flag, Answers)> =
        layer.flags().map(|flag| (&**flag.flag(), Answers::new(flag.flag()))).collect();
    let mut rng = Rng::with_seed(7);
    let mut scratch = Scratch::default();
    for number in 0..count() {
        let (flag, answers) = &flags[number % flags.len()];
        let context = json!({"targetingKey": "user-1", "plan": "enterprise", "n": [1, {"a": 2.5}]});
        let context = encode_object(context.as_object().into_iter().flatten());
        let context = prost_types::Struct::decode(&*context).expect("our own encoding");
        let request = flagstaff::pb::flagd::evaluation::v2::ResolveBooleanRequest {
            flag_key: flag.key().to_owned(),
            context: Some(context),
        };
        let mut bytes = request.encode_to_vec();
        mutate(&mut rng, &mut bytes);
        let Ok(request) = ResolveRequest::read(&bytes) else { continue };
        let Ok(mut evaluator) = Evaluator::new(&mut scratch, request.context, NOW) else {
            continue;
        };
        if let flagstaff_core::Outcome::Variant { index, reason, .. } = evaluator.evaluate(flag) {
            assert!(
                answers.variant(flag, (index, reason), Type::Boolean).is_some()
                    || !matches!(
                        flag.variants()[index].value(),
                        flagstaff_core::VariantValue::Bool(_)
                    )
            );
        }
    }
}
