//! `cat`, `substr`, `starts_with`, `ends_with` and `sem_ver`.

use crate::{
    document::number,
    flag::{
        context::Evaluator,
        rule::Operator,
        value::{List, Span, Text, Value},
        version::{OwnedVersion, Range, Version},
    },
};

impl<'a> Evaluator<'a, '_> {
    /// Joins its arguments. With `trim`, two or more lose the white space around the result, as in
    /// flagd's `cat`: it decides who falls into which bucket.
    pub(super) fn cat(&mut self, base: usize, trim: bool) -> Value<'a> {
        let end = self.arena.stack.len();
        if let (Some(Value::String(only)), 1) = (self.argument(base, 0), end - base) {
            return Value::String(only);
        }
        let start = self.arena.text.len();
        for at in base..end {
            if let Some(part) = self.arena.stack.get(at).copied() {
                self.append_text(part);
            }
            if self.arena.budget.is_exhausted() {
                break;
            }
        }
        let joined = self.arena.text.get(start..).unwrap_or_default();
        if !trim || end - base < 2 || !self.arena.budget.affords(joined.len()) {
            return self.arena.made_text(start);
        }
        let from = start + joined.len() - joined.trim_start().len();
        let to = start + joined.trim_end().len();
        Value::String(Text::Made(Span::new(from, to.max(from))))
    }

    /// Appends a value as text: null is nothing, lists are joined by commas as in JavaScript.
    pub(super) fn append_text(&mut self, value: Value<'a>) {
        match value {
            Value::Null => {}
            Value::Bool(bit) => self.arena.append(if bit { "true" } else { "false" }),
            Value::Number(number) => self.arena.append_number(number, number::write_plain),
            Value::String(text) => self.arena.append_text(text),
            Value::List(list) => {
                self.append_elements(list, |evaluator, element| {
                    evaluator.append_text(element);
                    Some(())
                });
            }
            Value::Object(_) => self.arena.append("[object Object]"),
        }
    }

    /// Appends the elements of a list with commas between them, up to one that cannot be appended.
    pub(super) fn append_elements(
        &mut self,
        list: List<'a>,
        mut append: impl FnMut(&mut Self, Value<'a>) -> Option<()>,
    ) -> Option<()> {
        let mut elements = self.arena.elements(list);
        let mut is_first = true;
        while let Some(element) = self.arena.next(&mut elements) {
            if !is_first {
                self.arena.append(",");
            }
            is_first = false;
            append(self, element)?;
        }
        Some(())
    }

    /// A part of a text by code points: from, then length; negative ones count from the end.
    /// A start beyond either end gives the whole text, as in flagd.
    pub(super) fn substr(&mut self, base: usize) -> Value<'a> {
        let whole = self.argument(base, 0).unwrap_or(Value::Null);
        let whole = self.textual(whole);
        let operand = |place| {
            let value = self.argument(base, place).filter(|value| !value.is_null())?;
            Some(number::truncate(self.arithmetic_operand(&value)))
        };
        let three = self.arena.arguments(base).len() == 3;
        let (from, length) = (operand(1).unwrap_or(0), operand(2).filter(|_| three));
        let text = self.arena.str(whole);
        if !self.arena.budget.affords(text.len().saturating_mul(2)) {
            return Value::Null;
        }
        let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        let from = if from < 0 { count.saturating_add(from) } else { from };
        if from < 0 || from > count {
            return Value::String(whole);
        }
        let to = match length {
            None => count,
            Some(length) if length < 0 => count.saturating_add(length),
            Some(length) => from.saturating_add(length).min(count),
        };
        let offset = |point: i64| {
            let point = usize::try_from(point).unwrap_or(0);
            text.char_indices().nth(point).map_or(text.len(), |(offset, _)| offset)
        };
        let (start, end) = (offset(from), offset(to.max(from)));
        Value::String(match whole {
            Text::Given(text) => Text::Given(text.get(start..end).unwrap_or_default()),
            Text::Made(span) => {
                let from = span.range().start;
                Text::Made(Span::new(from + start, from + end))
            }
        })
    }

    /// `starts_with` and `ends_with`: exactly two strings, else null.
    pub(super) fn affix(&self, operator: Operator, arguments: &[Value<'a>]) -> Value<'a> {
        let [Value::String(text), Value::String(affix)] = *arguments else {
            return Value::Null;
        };
        let (text, affix) = (self.arena.str(text), self.arena.str(affix));
        if !self.arena.budget.affords(affix.len() / 8 + 1) {
            return Value::Null;
        }
        Value::Bool(if operator == Operator::StartsWith {
            text.starts_with(affix)
        } else {
            text.ends_with(affix)
        })
    }

    /// `sem_ver`: exactly a version, an operator and a version, else null.
    pub(super) fn sem_ver(&mut self, base: usize) -> Value<'a> {
        let [actual, Value::String(operator), target] = *self.arena.arguments(base) else {
            return Value::Null;
        };
        let (Some(actual), Some(target)) = (self.versioned(actual), self.versioned(target)) else {
            return Value::Null;
        };
        let range = Range::parse(self.arena.str(operator));
        match (self.version(actual), range, self.version(target)) {
            (Some(actual), Some(range), Some(target)) => Value::Bool(range.holds(&actual, &target)),
            _ => Value::Null,
        }
    }

    /// `sem_ver` where only the first version is not known before.
    pub(super) fn version_in(
        &mut self,
        actual: Value<'a>,
        range: Range,
        target: &OwnedVersion,
    ) -> Value<'a> {
        let Some(actual) = self.versioned(actual) else { return Value::Null };
        let actual = self.version(actual);
        // Comparing goes over the shorter one.
        actual.map_or(Value::Null, |actual| Value::Bool(range.holds(&actual, &target.version())))
    }

    /// A version. The price is that of reading it and of comparing it with another.
    fn version(&self, text: Text<'a>) -> Option<Version<'_>> {
        let text = self.arena.str(text);
        if self.arena.budget.affords(text.len().saturating_mul(8)) {
            Version::parse(text)
        } else {
            None
        }
    }

    /// A value as the text of a version, if it can be one. flagd prints a number from 1e6 with an
    /// exponent, which is none.
    fn versioned(&mut self, value: Value<'a>) -> Option<Text<'a>> {
        match value {
            Value::String(text) => Some(text),
            Value::Number(number) if number.abs() < 1e6 => Some(self.textual(value)),
            _ => None,
        }
    }
}
