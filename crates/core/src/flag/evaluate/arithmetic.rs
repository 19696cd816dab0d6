//! `+ - * / % max min abs`.
//!
//! flagd fails on an operand that is null, missing or boolean; a flag must not fail because a user
//! lacks an attribute, so here they count as JavaScript counts them: 0, 0 and 0 or 1.

use crate::{
    document::number,
    flag::{context::Evaluator, rule::Operator, value::Value},
};

impl<'a> Evaluator<'a, '_> {
    pub(super) fn arithmetic(&self, operator: Operator, base: usize) -> Value<'a> {
        let mut operands =
            self.arena.arguments(base).iter().map(|operand| self.arithmetic_operand(operand));
        let first = operands.next();
        let result = match operator {
            // The sum starts from 0, so that of two -0 it is 0, as in flagd.
            Operator::Add => match (first, operands.next()) {
                (first, None) => first.unwrap_or(0.0),
                (first, Some(second)) => {
                    operands.fold(0.0 + first.unwrap_or(0.0) + second, |a, b| a + b)
                }
            },
            Operator::Multiply => operands.fold(first.unwrap_or(1.0), |a, b| a * b),
            Operator::Divide => operands.fold(first.unwrap_or(0.0), |a, b| a / b),
            Operator::Subtract => match (first, operands.next()) {
                (Some(only), None) => -only,
                (first, second) => {
                    let difference = first.unwrap_or(0.0) - second.unwrap_or(0.0);
                    operands.fold(difference, |a, b| a - b)
                }
            },
            Operator::Remainder => first.unwrap_or(f64::NAN) % operands.next().unwrap_or(f64::NAN),
            Operator::Abs => first.unwrap_or(f64::NAN).abs(),
            Operator::Max | Operator::Min => {
                let Some(first) = first else { return Value::Null };
                let larger = operator == Operator::Max;
                operands.fold(first, |best, next| {
                    let better = if larger { next > best } else { next < best };
                    if better { next } else { best }
                })
            }
            _ => f64::NAN,
        };
        Value::Number(result)
    }

    /// An operand as a number; text that is no number is 0, a list or object is NaN.
    pub(super) fn arithmetic_operand(&self, value: &Value<'a>) -> f64 {
        match value {
            Value::Null => 0.0,
            Value::Bool(bit) => f64::from(*bit),
            Value::Number(number) => *number,
            Value::String(text) => self.number_in(self.arena.str(*text)),
            Value::List(_) | Value::Object(_) => f64::NAN,
        }
    }

    /// A text as a number, or 0.
    pub(super) fn number_in(&self, text: &str) -> f64 {
        if self.arena.budget.affords_number(text) { number::parse_or_zero(text) } else { 0.0 }
    }
}
