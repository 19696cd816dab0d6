//! Whether one condition follows from another, as far as that can be told.
//!
//! What is not understood is taken as it is written: it follows from itself alone. So a rule is
//! never called dead that is not, and some that are dead are not noticed.

use super::{
    constraint::{Must, Test, test},
    logic::operation,
};
use serde_json::{Map, Value as Json, json};

/// Looks at conditions, for so long and so deep: a file can be made to take for ever.
#[derive(Debug)]
pub(super) struct Logic<'a> {
    evaluators: &'a Map<String, Json>,
    left: usize,
}

const MOST_STEPS: usize = 2_000_000;
const MAX_DEPTH: usize = 100;

/// Lists up to this length are taken apart.
const FEW: usize = 50;

impl<'a> Logic<'a> {
    pub(super) fn new(evaluators: &'a Map<String, Json>) -> Self {
        Self { evaluators, left: MOST_STEPS }
    }

    /// Whether everybody for whom `one` holds is one for whom `other` does.
    pub(super) fn implies(&mut self, one: &Json, other: &Json) -> bool {
        self.follows(one, other, 0)
    }

    /// Whether one of several conditions holds for everybody for whom `one` does.
    pub(super) fn implies_any(&mut self, one: &Json, others: &[&Json]) -> bool {
        self.follows_any(one, others, 0)
    }

    /// Whether it has looked for long enough, and sees nothing any more.
    pub(super) fn is_tired(&self) -> bool {
        self.left == 0
    }

    /// Whether a condition holds for nobody.
    pub(super) fn is_never(&mut self, condition: &Json) -> bool {
        self.never(condition, 0)
    }

    fn follows(&mut self, one: &Json, other: &Json, depth: usize) -> bool {
        if self.left == 0 || depth > MAX_DEPTH {
            return false;
        }
        self.left -= 1;
        if one == other || is_literal(one) == Some(false) || is_literal(other) == Some(true) {
            return true;
        }
        let evaluators = self.evaluators;
        let (one, other) = (resolved(evaluators, one), resolved(evaluators, other));
        let next = depth + 1;
        let (first, second) = (operation(one), operation(other));
        match (first, second) {
            (Some(("or", parts)), _) => {
                return !parts.is_empty()
                    && parts.iter().all(|part| self.follows(part, other, next));
            }
            (_, Some(("and", parts))) => {
                return !parts.is_empty() && parts.iter().all(|part| self.follows(one, part, next));
            }
            _ => {}
        }
        if let Some(("or", parts)) = second {
            return self.follows_any(one, &parts.iter().collect::<Vec<_>>(), next);
        }
        if let Some(("and", parts)) = first {
            return parts.iter().any(|part| self.follows(part, other, next));
        }
        if let (Some(("!", [one])), Some(("!", [other]))) = (first, second) {
            return self.follows(other, one, next);
        }
        if let Some(("!", [never])) = second
            && let (Some(one), Some(never)) = (self.test(one), self.test(never))
        {
            return one.excludes(&never, &mut self.left);
        }
        match (self.test(one), self.test(other)) {
            (Some(one), Some(other)) => one.is_within(&other, &mut self.left),
            _ => false,
        }
    }

    /// Whether everybody for whom `one` holds is taken by one of several conditions or another.
    fn follows_any(&mut self, one: &Json, others: &[&Json], depth: usize) -> bool {
        if self.left == 0 || depth > MAX_DEPTH {
            return false;
        }
        self.left -= 1;
        let one = resolved(self.evaluators, one);
        let next = depth + 1;
        if let Some(("or", parts)) = operation(one) {
            return !parts.is_empty()
                && parts.iter().all(|part| self.follows_any(part, others, next));
        }
        if others.iter().any(|other| self.follows(one, other, next)) {
            return true;
        }
        // Of several values each may be taken by another part.
        if let Some(Test { attribute, must: Must::Be(values) }) = self.test(one)
            && (2..=FEW).contains(&values.len())
        {
            let each = |value: &&Json| json!({"in": [{"var": attribute}, [value]]});
            return values.iter().map(each).all(|value| self.follows_any(&value, others, next));
        }
        match operation(one) {
            Some(("and", parts)) => parts.iter().any(|part| self.follows_any(part, others, next)),
            _ => false,
        }
    }

    fn never(&mut self, condition: &Json, depth: usize) -> bool {
        if self.left == 0 || depth > MAX_DEPTH {
            return false;
        }
        self.left -= 1;
        if is_literal(condition) == Some(false) {
            return true;
        }
        let evaluators = self.evaluators;
        let condition = resolved(evaluators, condition);
        match operation(condition) {
            Some(("or", parts)) => {
                !parts.is_empty() && parts.iter().all(|part| self.never(part, depth + 1))
            }
            Some(("and", _)) => {
                let mut all = Vec::new();
                self.flatten(condition, &mut all, depth);
                let pairs = || {
                    all.iter().enumerate().flat_map(|(at, one)| {
                        all.iter().skip(at + 1).map(move |other| (*one, *other))
                    })
                };
                all.iter().any(|part| self.never(part, depth + 1))
                    || pairs().take(FEW * FEW).any(|(one, other)| self.exclude(one, other, depth))
            }
            _ => match self.test(condition) {
                Some(Test { must: Must::Be(values), .. }) => values.is_empty(),
                Some(Test { must: Must::Lie(range), .. }) => range.is_empty(),
                _ => false,
            },
        }
    }

    /// Whether two conditions never hold together.
    fn exclude(&mut self, one: &Json, other: &Json, depth: usize) -> bool {
        if let (Some(one), Some(other)) = (self.test(one), self.test(other)) {
            return one.excludes(&other, &mut self.left);
        }
        let mut never = |one: &Json, other: &Json| match operation(other) {
            Some(("!", [negated])) => self.follows(one, negated, depth + 1),
            _ => false,
        };
        never(one, other) || never(other, one)
    }

    /// What a condition demands. Long lists cost more than others.
    fn test<'b>(&mut self, condition: &'b Json) -> Option<Test<'b>> {
        let test = test(condition)?;
        self.left = self.left.saturating_sub(test.cost());
        Some(test)
    }

    /// The parts of "and" inside of "and".
    fn flatten<'b>(&mut self, condition: &'b Json, all: &mut Vec<&'b Json>, depth: usize)
    where
        'a: 'b,
    {
        let condition = resolved(self.evaluators, condition);
        match operation(condition) {
            Some(("and", parts)) if depth <= MAX_DEPTH && self.left > 0 => {
                self.left -= 1;
                parts.iter().for_each(|part| self.flatten(part, all, depth + 1));
            }
            _ => all.push(condition),
        }
    }
}

/// What a reference stands for.
fn resolved<'b>(evaluators: &'b Map<String, Json>, condition: &'b Json) -> &'b Json {
    match operation(condition) {
        Some(("$ref", [Json::String(name)])) => evaluators.get(name).unwrap_or(condition),
        _ => condition,
    }
}

/// A value written in the place of a condition, as a truth.
fn is_literal(condition: &Json) -> Option<bool> {
    match condition {
        Json::Null => Some(false),
        Json::Bool(bit) => Some(*bit),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluators() -> Map<String, Json> {
        let beta = json!({"in": [{"var": "email"}, ["a", "b"]]});
        Map::from_iter([("beta".to_owned(), beta)])
    }

    #[test]
    fn what_follows_from_what() {
        let evaluators = evaluators();
        let (c, n) = (json!({"var": "c"}), json!({"var": "n"}));
        let is = |value: Json| json!({"==": [c, value]});
        let among = |values: Json| json!({"in": [c, values]});
        let opaque = json!({"starts_with": [c, "x"]});
        for (one, other, expected) in [
            (is(json!("DE")), among(json!(["DE", "AT"])), true),
            (among(json!(["DE", "AT"])), is(json!("DE")), false),
            (json!({"and": [is(json!("DE")), opaque]}), is(json!("DE")), true),
            (is(json!("DE")), json!({"or": [opaque, is(json!("DE"))]}), true),
            (json!({"or": [is(json!("DE")), is(json!("AT"))]}), among(json!(["DE", "AT"])), true),
            (among(json!(["DE", "AT"])), json!({"or": [is(json!("DE")), is(json!("AT"))]}), true),
            (among(json!(["DE", "CH"])), json!({"or": [is(json!("DE")), is(json!("AT"))]}), false),
            (json!({">": [n, 5]}), json!({">=": [n, 5]}), true),
            (json!({">=": [n, 5]}), json!({">": [n, 5]}), false),
            (json!({"<": [5, n]}), json!({">": [n, 4]}), true),
            (json!({"==": [n, 7]}), json!({">": [n, 5]}), true),
            (json!({"sem_ver": [n, ">=", "4.10.0"]}), json!({"sem_ver": [n, ">", "4.9.9"]}), true),
            (json!({"sem_ver": [n, ">=", "4.2.0"]}), json!({">": [n, 0]}), false),
            (json!({"$ref": "beta"}), json!({"in": [{"var": "email"}, ["a", "b", "c"]]}), true),
            (is(json!("DE")), json!({"!": [is(json!("AT"))]}), true),
            (json!({"!": [among(json!(["DE", "AT"]))]}), json!({"!": [is(json!("DE"))]}), true),
            (is(json!("5")), json!({"!=": [c, 5]}), false),
            (opaque.clone(), json!(true), true),
            (opaque, is(json!("xy")), false),
        ] {
            assert_eq!(Logic::new(&evaluators).implies(&one, &other), expected, "{one} {other}");
        }
    }

    #[test]
    fn what_holds_for_nobody() {
        let evaluators = evaluators();
        let (c, n) = (json!({"var": "c"}), json!({"var": "n"}));
        let both = |one: Json, other: Json| json!({"and": [one, other]});
        let de = json!({"==": [c, "DE"]});
        for (condition, expected) in [
            (json!(false), true),
            (both(de.clone(), json!({"==": [c, "AT"]})), true),
            (both(de.clone(), json!({"in": [c, ["DE", "AT"]]})), false),
            (both(de.clone(), json!({"!": [de]})), true),
            (both(json!({">": [n, 5]}), json!({"<": [n, 3]})), true),
            (both(json!({">": [n, 3]}), json!({"<": [n, 5]})), false),
            (both(json!({">": [n, 5]}), json!({"<=": [n, 5]})), true),
            (both(json!({">=": [n, 5]}), json!({"<=": [n, 5]})), false),
            (both(de.clone(), both(json!({">": [n, 5]}), json!({"==": [c, "AT"]}))), true),
            (both(json!({"$ref": "beta"}), json!({"==": [{"var": "email"}, "c"]})), true),
            (
                both(json!({"starts_with": [c, "x"]}), json!({"!": [{"starts_with": [c, "x"]}]})),
                true,
            ),
            (json!({"in": [c, []]}), true),
            (de, false),
        ] {
            assert_eq!(Logic::new(&evaluators).is_never(&condition), expected, "{condition}");
        }
    }

    #[test]
    fn what_would_take_for_ever_is_left() {
        let evaluators = Map::new();
        let among = |from: usize| {
            let values: Vec<_> = (from..from + 20_000).map(|n| format!("u{n}")).collect();
            json!({"in": [{"var": "user"}, values]})
        };
        let mut logic = Logic::new(&evaluators);
        assert!(!logic.implies(&among(1), &among(0)));
        assert!(logic.is_tired());
        // From then on nothing is known, and no rule called dead.
        let few = json!({"in": [{"var": "user"}, ["u1", "u2"]]});
        assert!(!logic.implies(&json!({"==": [{"var": "user"}, "u1"]}), &few));
    }
}
