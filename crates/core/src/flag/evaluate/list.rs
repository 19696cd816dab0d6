//! `in`, `merge`, `contains_*` and the operators that visit each element of a list.

use super::{Evaluated, Scope};
use crate::flag::{
    arena::Elements,
    context::Evaluator,
    rule::{Each, LiteralSet, Operator, Rule},
    value::{Object, Span, Text, Value},
};

impl<'a> Evaluator<'a, '_> {
    /// `in`: a text in a text, or a value among elements; an element `[low, high]` is a range.
    pub(super) fn is_in(&mut self, base: usize) -> bool {
        let (Some(needle), Some(haystack)) = (self.argument(base, 0), self.argument(base, 1))
        else {
            return false;
        };
        match haystack {
            Value::String(haystack) => {
                // flagd fails on a needle that is no text; nothing is in a text, as in JavaScript.
                if matches!(needle, Value::Null | Value::List(_) | Value::Object(_)) {
                    return false;
                }
                let needle = self.textual(needle);
                let (haystack, needle) = (self.arena.str(haystack), self.arena.str(needle));
                self.arena.budget.contains(haystack, needle)
            }
            Value::List(list) => {
                let mut elements = self.arena.elements(list);
                while let Some(element) = self.arena.next(&mut elements) {
                    if self.matches(needle, &element) {
                        return true;
                    }
                }
                false
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
        }
    }

    fn matches(&self, needle: Value<'a>, element: &Value<'a>) -> bool {
        match (needle, element) {
            (Value::Number(_) | Value::String(_), Value::List(range)) => {
                let bounds = (self.arena.element(*range, 0), self.arena.element(*range, 1));
                let (Some(low), Some(high)) = bounds else { return false };
                let number = self.arithmetic_operand(&needle);
                self.arithmetic_operand(&low) <= number && number <= self.arithmetic_operand(&high)
            }
            (Value::Number(needle), Value::Number(_) | Value::String(_)) => {
                self.arithmetic_operand(element) == needle
            }
            _ => self.identical(&needle, element),
        }
    }

    /// Same kind and same scalar; lists and objects are never identical.
    fn identical(&self, a: &Value<'a>, b: &Value<'a>) -> bool {
        match (a, b) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => a == b,
            (Value::String(a), Value::String(b)) => self.arena.is_same(*a, *b),
            _ => false,
        }
    }

    pub(super) fn in_set(&self, needle: Value<'a>, set: &LiteralSet) -> bool {
        let budget = &self.arena.budget;
        let in_range = |number: f64| {
            budget.affords(set.ranges.len())
                && set.ranges.iter().any(|(low, high)| *low <= number && number <= *high)
        };
        match needle {
            Value::Null => set.null,
            Value::Bool(bit) => set.bools.get(usize::from(bit)).is_some_and(|known| *known),
            Value::Number(number) => {
                set.numbers.binary_search_by(|known| known.total_cmp(&(number + 0.0))).is_ok()
                    || set.strings.spell(number, budget)
                    || in_range(number)
            }
            Value::String(text) => {
                set.strings.contains(self.arena.str(text), budget)
                    || (!set.ranges.is_empty() && in_range(self.arithmetic_operand(&needle)))
            }
            Value::List(_) | Value::Object(_) => false,
        }
    }

    /// One list of all arguments, lists among them opened once.
    pub(super) fn merge(&mut self, base: usize) -> Value<'a> {
        let end = self.arena.stack.len();
        for at in base..end {
            match self.arena.stack.get(at).copied() {
                Some(Value::List(list)) => self.arena.push_elements(list),
                Some(value) => self.arena.push(value),
                None => {}
            }
            if self.arena.budget.is_exhausted() {
                break;
            }
        }
        self.arena.list_from_stack(end)
    }

    pub(super) fn contains(&mut self, operator: Operator, base: usize) -> bool {
        let none = operator == Operator::ContainsNone;
        let [Value::List(list), Value::List(wanted)] = *self.arena.arguments(base) else {
            return none;
        };
        let start = self.arena.stack.len();
        self.arena.push_elements(list);
        let middle = self.arena.stack.len();
        self.arena.push_elements(wanted);
        let end = self.arena.stack.len();
        let pairs = (middle - start).saturating_mul(end - middle);
        if !self.arena.budget.affords(pairs.saturating_mul(3)) {
            self.arena.stack.truncate(start);
            return none;
        }
        let elements = self.arena.stack.get(start..middle).unwrap_or_default();
        let mut wanted = self.arena.stack.get(middle..).unwrap_or_default().iter();
        let among = |wanted: &Value<'a>| elements.iter().any(|known| self.identical(known, wanted));
        let found =
            if operator == Operator::ContainsAll { wanted.all(among) } else { wanted.any(among) };
        self.arena.stack.truncate(start);
        found != none
    }

    #[inline(never)]
    pub(super) fn each(
        &mut self,
        each: Each,
        (subject, body): &'a (Rule, Rule),
        scope: &Scope<'_, 'a>,
    ) -> Evaluated<'a> {
        self.visit(2)?;
        let subject = self.rule(subject, scope)?;
        let base = self.arena.stack.len();
        let mut elements = match subject {
            Value::List(list) => self.arena.elements(list),
            _ => Elements::Made(0..0),
        };
        let mut is_empty = true;
        let sees_outside = matches!(each, Each::Filter | Each::Some | Each::None);
        let mut decided = None;
        while let Some(element) = self.arena.next(&mut elements) {
            is_empty = false;
            let inner = Scope {
                data: element,
                outer: if sees_outside { Some(scope) } else { scope.outer },
            };
            let value = self.step(body, &inner)?;
            let truth = value.is_true(&self.arena);
            match each {
                Each::Map => self.arena.push(value),
                Each::Filter if truth => self.arena.push(element),
                Each::All if !truth => decided = Some(false),
                Each::Some if truth => decided = Some(true),
                Each::None if truth => decided = Some(false),
                _ => {}
            }
            if decided.is_some() {
                break;
            }
        }
        let result = match each {
            Each::Map | Each::Filter => self.arena.list_from_stack(base),
            // Nothing is true of all elements of an empty list, as in flagd.
            Each::All => Value::Bool(decided.unwrap_or(!is_empty)),
            Each::Some => Value::Bool(decided.unwrap_or(false)),
            Each::None => Value::Bool(decided.unwrap_or(true)),
        };
        self.within_budget(result)
    }

    /// Runs a rule as one step, within the bounds of an evaluation.
    pub(super) fn step(&mut self, body: &'a Rule, scope: &Scope<'_, 'a>) -> Evaluated<'a> {
        if self.arena.budget.affords_step() {
            self.rule(body, scope)
        } else {
            Err(self.arena.budget.why())
        }
    }

    /// Folds a list into a boolean, a number or a text, whichever the initial value is. The rule
    /// sees `current`, `accumulator` and `valueType`.
    #[inline(never)]
    pub(super) fn reduce(
        &mut self,
        (subject, body, initial): &'a (Rule, Rule, Rule),
        scope: &Scope<'_, 'a>,
    ) -> Evaluated<'a> {
        self.visit(3)?;
        let mut accumulator = self.rule(initial, scope)?;
        let kind = match accumulator {
            Value::Bool(_) => "bool",
            Value::String(_) => "string",
            _ => "number",
        };
        let Value::List(list) = self.rule(subject, scope)? else { return Ok(Value::Number(0.0)) };
        let mut elements = self.arena.elements(list);
        let start = self.arena.members.len();
        while let Some(current) = self.arena.next(&mut elements) {
            if current.is_null() {
                continue;
            }
            self.arena.members.truncate(start);
            for member in [
                (Text::Given("current"), current),
                (Text::Given("accumulator"), accumulator),
                (Text::Given("valueType"), Value::text(kind)),
            ] {
                self.arena.push_member(member);
            }
            let data = Value::Object(Object::Made(Span::new(start, start + 3)));
            let value = self.step(body, &Scope { data, outer: scope.outer })?;
            accumulator = match kind {
                "bool" => Value::Bool(value.is_true(&self.arena)),
                "string" => Value::String(self.textual(value)),
                _ => Value::Number(self.arithmetic_operand(&value)),
            };
            accumulator = self.within_budget(accumulator)?;
        }
        Ok(accumulator)
    }
}
