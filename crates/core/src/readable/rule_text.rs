//! Parts of the definitions that are written: JSON text, which takes a fraction of a tree's memory.

use crate::document::{integers, json::Json};
use serde_json::Number;
use std::fmt;

/// A rule, or another value, as JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleText(Box<str>);

impl RuleText {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self(serde_json::to_string(text).unwrap_or_default().into())
    }

    /// A truth.
    pub(super) fn truth(truth: bool) -> Self {
        Self(if truth { "true" } else { "false" }.into())
    }

    /// A number, as it is served.
    pub(super) fn number(number: &Number) -> Self {
        Self(integers::rounded(number).to_string().into())
    }

    /// A rule that was written down.
    pub(super) fn written(json: String) -> Self {
        Self(json.into())
    }

    /// A value as it is written, with its numbers as they are served.
    pub(super) fn of(value: Json<'_>) -> Self {
        Self(value.to_served().into())
    }

    /// The look-up of an attribute.
    pub(super) fn attribute(name: &str) -> Self {
        Self::operation("var", &Self::text(name))
    }

    /// The reference to an evaluator.
    pub(super) fn reference(name: &str) -> Self {
        Self::operation("$ref", &Self::text(name))
    }

    /// An operation with one operand that does not stand in a list.
    fn operation(operator: &str, operand: &Self) -> Self {
        Self(format!("{{\"{operator}\":{operand}}}").into())
    }

    /// A list.
    pub(super) fn list<'r>(elements: impl IntoIterator<Item = &'r Self> + Clone) -> Self {
        let mut out = String::with_capacity(length(elements.clone()) + 2);
        put_list(&mut out, elements);
        Self(out.into())
    }

    /// A list of values as they are written.
    pub(super) fn values<'j>(values: impl Iterator<Item = Json<'j>> + Clone) -> Self {
        let length: usize = values.clone().map(|value| value.to_served().len() + 1).sum();
        let mut out = String::with_capacity(length + 2);
        out.push('[');
        for (place, value) in values.enumerate() {
            if place > 0 {
                out.push(',');
            }
            out.push_str(Self::of(value).as_str());
        }
        out.push(']');
        Self(out.into())
    }

    /// A list of texts.
    pub(super) fn texts(texts: &[Box<str>]) -> Self {
        let length: usize = texts.iter().map(|text| text.len() + 3).sum();
        let mut out = String::with_capacity(length + 2);
        out.push('[');
        for (place, text) in texts.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            out.push_str(&Self::text(text).0);
        }
        out.push(']');
        Self(out.into())
    }

    /// An operation over its operands.
    pub(super) fn apply<'r>(
        operator: &str,
        operands: impl IntoIterator<Item = &'r Self> + Clone,
    ) -> Self {
        let rest = "{\"\":[]}".len() + operator.len();
        let mut out = String::with_capacity(length(operands.clone()) + rest);
        put_operation(&mut out, operator, operands);
        Self(out.into())
    }

    /// An operation over two operands.
    pub(super) fn compare(operator: &str, one: &Self, other: &Self) -> Self {
        Self::apply(operator, [one, other])
    }

    /// That a rule does not hold.
    pub(super) fn not(&self) -> Self {
        Self::apply("!", [self])
    }

    pub(super) fn null() -> Self {
        Self("null".into())
    }

    /// Whether it is a text, and no rule.
    pub(super) fn is_text(&self) -> bool {
        self.0.starts_with('"')
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn into_text(self) -> Box<str> {
        self.0
    }
}

/// The bytes of elements and of the commas between them, or one more.
fn length<'r>(elements: impl IntoIterator<Item = &'r RuleText>) -> usize {
    elements.into_iter().map(|element| element.0.len() + 1).sum()
}

/// Writes an operation over operands.
pub(super) fn put_operation<'r>(
    out: &mut String,
    operator: &str,
    operands: impl IntoIterator<Item = &'r RuleText>,
) {
    // Operators have no character that JSON escapes.
    out.push_str("{\"");
    out.push_str(operator);
    out.push_str("\":");
    put_list(out, operands);
    out.push('}');
}

fn put_list<'r>(out: &mut String, elements: impl IntoIterator<Item = &'r RuleText>) {
    out.push('[');
    for (place, element) in elements.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        out.push_str(&element.0);
    }
    out.push(']');
}

impl fmt::Display for RuleText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
