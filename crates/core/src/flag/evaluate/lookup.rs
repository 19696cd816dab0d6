//! `var`, `missing`, `missing_some` and `set`: reading attributes by path.
//!
//! Inside `filter`, `some` and `none` flagd looks a variable up in the data outside of the operator
//! first and only then in the element; `map`, `all` and `reduce` see the element alone.

use super::{Evaluated, Scope};
use crate::{
    document::number,
    flag::{
        budget::NODE,
        context::Evaluator,
        rule::{Arguments, AttributePath, PathPart, Var},
        value::{Object, Span, Text, Value},
    },
};

impl<'a> Evaluator<'a, '_> {
    #[inline]
    pub(super) fn var(&mut self, var: &'a Var, scope: &Scope<'_, 'a>) -> Evaluated<'a> {
        // Nearly every look-up is of one name, in the context itself.
        if let (AttributePath::Parts(parts), None, Value::Object(object)) =
            (&var.path, scope.outer, scope.data)
            && let [part] = &**parts
            && let Some(found) = self.attribute(object, &part.name)
            && !found.is_null()
        {
            return Ok(found);
        }
        self.any_var(var, scope)
    }

    #[inline(never)]
    fn any_var(&mut self, var: &'a Var, scope: &Scope<'_, 'a>) -> Evaluated<'a> {
        match &var.path {
            AttributePath::Whole => Ok(scope.data),
            AttributePath::Scalar => Ok(scalar(scope.data)),
            AttributePath::Parts(parts) => self.outermost_first(parts, var, scope, scope),
        }
    }

    /// Looks a variable up in the data around the operator, outermost first; a default given with
    /// the variable applies before the next data is asked.
    fn outermost_first(
        &mut self,
        parts: &'a [PathPart],
        var: &'a Var,
        place: &Scope<'_, 'a>,
        scope: &Scope<'_, 'a>,
    ) -> Evaluated<'a> {
        if let Some(outer) = place.outer {
            let found = self.outermost_first(parts, var, outer, scope)?;
            if !found.is_null() {
                return Ok(found);
            }
        }
        match (
            self.walk(place.data, parts.iter().map(|part| (&*part.name, part.index))),
            &var.default,
        ) {
            (Some(found), _) => Ok(found),
            // A default may hold defaults, and each is asked for again in every scope.
            (None, Some(default)) => self.step(default, scope),
            (None, None) => Ok(Value::Null),
        }
    }

    /// Follows a path; `None` where it is missing, null or leads through a scalar.
    pub(crate) fn walk<'p>(
        &self,
        data: Value<'a>,
        steps: impl Iterator<Item = (&'p str, Option<usize>)>,
    ) -> Option<Value<'a>> {
        let mut at = None;
        for (name, index) in steps {
            let found = match at.unwrap_or(data) {
                Value::Object(object) => self.attribute(object, name)?,
                Value::List(list) => self.arena.element(list, index?)?,
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
            };
            if found.is_null() {
                return None;
            }
            at = Some(found);
        }
        at
    }

    /// A `var` whose path is computed.
    #[inline(never)]
    pub(super) fn computed_var(
        &mut self,
        arguments: &'a Arguments,
        scope: &Scope<'_, 'a>,
    ) -> Evaluated<'a> {
        self.visit(arguments.len())?;
        let path = self.computed_path(arguments, scope)?;
        Ok(self.look_up(path, scope.data).unwrap_or(Value::Null))
    }

    /// The argument of a `var` whose path is computed: listed arguments are path and default.
    fn computed_path(&mut self, arguments: &'a Arguments, scope: &Scope<'_, 'a>) -> Evaluated<'a> {
        match arguments {
            Arguments::Bare(rule) => self.rule(rule, scope),
            Arguments::Listed(rules) => {
                let base = self.arena.stack.len();
                self.push_all(rules, scope)?;
                Ok(self.arena.list_from_stack(base))
            }
        }
    }

    /// Looks up a path that is a value: text, a number, or a list of path and default.
    pub(super) fn look_up(&mut self, path: Value<'a>, data: Value<'a>) -> Option<Value<'a>> {
        let (path, default) = match path {
            Value::Null => return Some(scalar(data)),
            Value::List(list) => match self.arena.element(list, 0) {
                None => return Some(data),
                Some(path) if self.arena.element(list, 2).is_some() => (path, None),
                Some(path) => (path, self.arena.element(list, 1)),
            },
            path => (path, None),
        };
        let text = match path {
            Value::String(text) => text,
            Value::Number(_) => self.textual(path),
            _ => return default,
        };
        let path = self.arena.str(text);
        if !self.arena.budget.affords(path.len().saturating_mul(4)) {
            return None;
        }
        if path.bytes().all(|byte| byte == b'.') {
            return Some(data);
        }
        let steps = path.split('.').filter(|part| !part.is_empty()).map(|part| {
            let is_affordable = self.arena.budget.affords_number(part);
            (part, if is_affordable { index(part) } else { None })
        });
        self.walk(data, steps).or(default)
    }

    pub(super) fn missing(&mut self, base: usize, data: Value<'a>) -> Value<'a> {
        let end = self.arena.stack.len();
        for at in base..end {
            if !self.arena.budget.affords(NODE) {
                break;
            }
            if let Some(path) = self.arena.stack.get(at).copied()
                && self.look_up(path, data).is_none_or(|found| found.is_null())
            {
                self.arena.push(path);
            }
        }
        self.arena.list_from_stack(end)
    }

    pub(super) fn missing_some(&mut self, base: usize, data: Value<'a>) -> Value<'a> {
        let needed = self.argument(base, 0).map_or(0.0, |first| self.arithmetic_operand(&first));
        let paths = self.argument(base, 1).unwrap_or(Value::Null);
        let start = self.arena.stack.len();
        match paths {
            Value::List(list) => self.arena.push_elements(list),
            Value::Null => {}
            path => self.arena.push(path),
        }
        let asked = self.arena.stack.len() - start;
        let missing = self.missing(start, data);
        let Value::List(crate::flag::value::List::Made(span)) = missing else { return missing };
        let found = asked.saturating_sub(span.len());
        if number::truncate(needed) > i64::try_from(found).unwrap_or(i64::MAX) {
            return missing;
        }
        self.arena.list_from_stack(self.arena.stack.len())
    }

    /// A copy of an object with one attribute set; what is no object is returned as it is.
    pub(super) fn set(&mut self, base: usize) -> Value<'a> {
        let object = self.argument(base, 0).unwrap_or(Value::Null);
        let (Value::Object(members), Some(Value::String(name)), Some(value)) =
            (object, self.argument(base, 1), self.argument(base, 2))
        else {
            return object;
        };
        let start = self.arena.members.len();
        self.push_members(members);
        // A name counts once: the object may be hashed.
        let mut made = self.arena.members.get(start..).unwrap_or_default().iter();
        let known = made.rposition(|(known, _)| self.arena.is_same(*known, name));
        match known.and_then(|place| self.arena.members.get_mut(start + place)) {
            Some(member) => member.1 = value,
            None => self.arena.push_member((name, value)),
        }
        Value::Object(Object::Made(Span::new(start, self.arena.members.len())))
    }

    /// A value as text, made if it is none.
    pub(super) fn textual(&mut self, value: Value<'a>) -> Text<'a> {
        if let Value::String(text) = value {
            return text;
        }
        let start = self.arena.text.len();
        self.append_text(value);
        Text::Made(Span::new(start, self.arena.text.len()))
    }
}

/// What `{"var": null}` gives: the data at hand, unless it is an object or a list.
fn scalar(data: Value<'_>) -> Value<'_> {
    if matches!(data, Value::Object(_) | Value::List(_)) { Value::Null } else { data }
}

/// A path step as an index: text that is no number is 0, as in flagd; nothing lies below 0.
pub(crate) fn index(part: &str) -> Option<usize> {
    usize::try_from(number::truncate(number::parse_or_zero(part))).ok()
}
