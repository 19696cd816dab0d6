//! Rules as they are written, taken apart.

use flagstaff_core::diagnostic::{Path, Step};
use serde_json::Value as Json;

/// A condition and what it leads to.
#[derive(Debug)]
pub(super) struct Clause<'a> {
    pub(super) condition: &'a Json,
    pub(super) result: &'a Json,
    /// Where the condition stands.
    pub(super) path: Path,
}

/// The operator of a rule, and its operands.
pub(super) fn operation(json: &Json) -> Option<(&str, &[Json])> {
    let members = json.as_object().filter(|members| members.len() == 1)?;
    let (name, operand) = members.iter().next()?;
    let operands = match operand {
        Json::Array(operands) => operands.as_slice(),
        one => std::slice::from_ref(one),
    };
    Some((name, operands))
}

/// The operands of a certain operator.
pub(super) fn operands<'a>(json: &'a Json, operator: &str) -> Option<&'a [Json]> {
    operation(json).filter(|(name, _)| *name == operator).map(|(_, operands)| operands)
}

/// The clauses of a rule in their order, and what follows them. An `if` in the place of an else
/// goes on with it.
pub(super) fn clauses(targeting: &Json, path: Path) -> (Vec<Clause<'_>>, Option<&Json>) {
    let (mut clauses, mut rest, mut path) = (Vec::new(), Some(targeting), path);
    while let Some(chain) = rest
        && let Some(parts) = operands(chain, "if")
    {
        let (pairs, otherwise) = parts.as_chunks::<2>();
        let inside = path.member("if");
        for (place, [condition, result]) in pairs.iter().enumerate() {
            clauses.push(Clause { condition, result, path: inside.place(2 * place) });
        }
        path = inside.place(2 * pairs.len());
        rest = otherwise.first();
    }
    (clauses, rest)
}

/// Everything that a rule can come to, as far as it is written out; null is the default.
pub(super) fn results(rule: &Json) -> Vec<&Json> {
    const NOTHING: &Json = &Json::Null;
    if operands(rule, "if").is_none() {
        return vec![rule];
    }
    let (clauses, rest) = clauses(rule, Path::default());
    let mut all: Vec<&Json> = clauses.iter().flat_map(|clause| results(clause.result)).collect();
    all.push(rest.unwrap_or(NOTHING));
    all
}

/// Visits every operation of a rule, outermost first, with the path to its operands.
pub(super) fn visit(rule: &Json, path: &mut Path, see: &mut dyn FnMut(&str, &[Json], &Path)) {
    match rule {
        Json::Object(members) => {
            let operation = operation(rule);
            for (name, member) in members {
                path.enter(Step::Member(name.as_str().into()));
                if let Some((operator, operands)) = operation {
                    see(operator, operands, path);
                }
                visit(member, path, see);
                path.leave();
            }
        }
        Json::Array(elements) => {
            // Lists of ten thousand units have no rules in them.
            for (place, element) in elements.iter().enumerate() {
                if element.is_object() || element.is_array() {
                    path.enter(Step::Place(place));
                    visit(element, path, see);
                    path.leave();
                }
            }
        }
        _ => {}
    }
}

/// The attribute that a look-up names.
pub(super) fn attribute(json: &Json) -> Option<&str> {
    operands(json, "var")?.first()?.as_str()
}

/// A condition on the time: the operator with the time to its left, and the moment.
pub(super) fn moment(condition: &Json) -> Option<(&'static str, i64)> {
    let (name, [left, right]) = operation(condition)? else { return None };
    let signs = [(">=", "<="), (">", "<"), ("<=", ">="), ("<", ">")];
    let (sign, mirrored) = signs.into_iter().find(|(sign, _)| *sign == name)?;
    let is_time = |json: &Json| attribute(json) == Some("$flagd.timestamp");
    match (is_time(left), is_time(right)) {
        (true, false) => Some((sign, right.as_i64()?)),
        (false, true) => Some((mirrored, left.as_i64()?)),
        _ => None,
    }
}
