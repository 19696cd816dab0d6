//! Rules of every operator that are made up and changed at random, most of them well formed.

use super::{contexts::NAMES, operators::OPERATORS};
use fastrand::Rng;
use serde_json::{Value, json};

/// Operators that take other operands than any number of values, and names that are none.
const SPECIAL: [&str; 14] = [
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
    "$ref",
    "log",
    "",
];

/// An operator of any number of operands.
fn plain(rng: &mut Rng) -> &'static str {
    let plain: Vec<_> = OPERATORS.into_iter().filter(|name| !SPECIAL.contains(name)).collect();
    plain[rng.usize(..plain.len())]
}

/// Operators that visit each element of a list.
const EACH: [&str; 5] = ["map", "filter", "all", "some", "none"];

/// Operators that are dear for one text or another.
const DEAR: [&str; 14] = [
    "in",
    "cat",
    "substr",
    "==",
    "<",
    "+",
    "contains_any",
    "starts_with",
    "sem_ver",
    "missing",
    "merge",
    "max",
    "set",
    "ends_with",
];

pub(crate) fn rule(rng: &mut Rng) -> Value {
    let depth = rng.usize(2..5);
    made(rng, depth)
}

fn variable(rng: &mut Rng) -> Value {
    let paths = ["", "current", "accumulator", "o.x", "l.5000", "m.0", "nope", "l"];
    let name = if rng.bool() { NAMES[rng.usize(..NAMES.len())] } else { paths[rng.usize(..8)] };
    json!({"var": name})
}

fn literal(rng: &mut Rng) -> Value {
    let texts = ["", "x", ">=", "b", "1.2.3", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "^"];
    match rng.u8(..8) {
        0 => json!([1, "2", null]),
        1 => json!((0..rng.usize(1..4_000)).collect::<Vec<_>>()),
        2 => json!((0..rng.usize(1..500)).map(|n| [n, n + 1]).collect::<Vec<_>>()),
        3 => json!((0..rng.usize(1..500)).map(|n| format!("id-{n}")).collect::<Vec<_>>()),
        4 => json!("ab".repeat(rng.usize(1..3_000)) + "c"),
        5 => json!(rng.i32(-5..5_000)),
        _ => json!(texts[rng.usize(..texts.len())]),
    }
}

fn made(rng: &mut Rng, depth: usize) -> Value {
    if depth == 0 {
        return if rng.u8(..4) > 0 { variable(rng) } else { literal(rng) };
    }
    let mut operand = || made(rng, depth - 1);
    let (a, b, c) = (operand(), operand(), operand());
    match rng.u8(..12) {
        0..3 => json!({EACH[rng.usize(..EACH.len())]: [a, b]}),
        3 => json!({"reduce": [a, b, c]}),
        4 => json!({"fractional": [a, ["on", 1], [b, c]]}),
        5 => json!({"if": [a, b, c]}),
        6 => json!({["and", "or"][rng.usize(..2)]: [a, b, c]}),
        7 => json!([a, b]),
        8..10 => json!({DEAR[rng.usize(..DEAR.len())]: [a, b]}),
        _ => {
            let operands = [a, b, c][..rng.usize(1..4)].to_vec();
            json!({plain(rng): operands})
        }
    }
}

/// Changes a part of a rule: makes another, wraps it, or repeats it.
pub(crate) fn change(rule: &mut Value, rng: &mut Rng) {
    let operands = rule.as_object_mut().filter(|rule| rule.len() == 1);
    let operands = operands.and_then(|rule| rule.values_mut().next()?.as_array_mut());
    if let Some(operands) = operands.filter(|operands| !operands.is_empty())
        && rng.u8(..4) > 0
    {
        let place = rng.usize(..operands.len());
        return change(&mut operands[place], rng);
    }
    let old = rule.take();
    *rule = match rng.u8(..7) {
        0 => {
            let depth = rng.usize(..4);
            made(rng, depth)
        }
        1 => json!({EACH[rng.usize(..EACH.len())]: [variable(rng), old]}),
        2 => json!({["and", "or", "missing", "cat", "merge", "+"][rng.usize(..6)]:
            vec![old; rng.usize(2..60)]}),
        3 => json!({"reduce": [variable(rng), old, literal(rng)]}),
        4 => json!({DEAR[rng.usize(..DEAR.len())]: [old, variable(rng)]}),
        5 => json!({"map": [old, [{"var": ""}, {"var": ""}]]}),
        _ => variable(rng),
    };
}
