//! `== != === !== < <= > >=`: JavaScript's comparisons, with flagd's rule that null equals only
//! null.

use crate::{
    document::number,
    flag::{context::Evaluator, rule::Operator, value::Value},
};

impl<'a> Evaluator<'a, '_> {
    /// Compares the first two operands; of three that are compared by size, the last two as well.
    pub(super) fn compare(&self, operator: Operator, operands: &[Value<'a>]) -> bool {
        let (a, b, c) = (operands.first(), operands.get(1), operands.get(2));
        let is_between = operands.len() == 3 && operator.orders();
        self.compares(operator, a, b) && (!is_between || self.compares(operator, b, c))
    }

    #[inline]
    pub(super) fn compares(
        &self,
        operator: Operator,
        a: Option<&Value<'a>>,
        b: Option<&Value<'a>>,
    ) -> bool {
        match operator {
            Operator::Equal => self.equal(a, b),
            Operator::NotEqual => !self.equal(a, b),
            Operator::StrictEqual => same_kind(a, b) && self.equal(a, b),
            Operator::StrictNotEqual => !(same_kind(a, b) && self.equal(a, b)),
            Operator::Less => self.less(a, b),
            Operator::LessOrEqual => self.at_most(a, b),
            Operator::Greater => self.less(b, a),
            Operator::GreaterOrEqual => self.at_most(b, a),
            _ => false,
        }
    }

    fn equal(&self, a: Option<&Value<'a>>, b: Option<&Value<'a>>) -> bool {
        match (a, b) {
            (Some(Value::Null), Some(Value::Null)) => true,
            (Some(Value::Null), _) | (_, Some(Value::Null)) => false,
            (Some(Value::String(a)), Some(Value::String(b))) => self.arena.is_same(*a, *b),
            _ => self.comparable(a) == self.comparable(b),
        }
    }

    fn less(&self, a: Option<&Value<'a>>, b: Option<&Value<'a>>) -> bool {
        match (a, b) {
            (Some(Value::String(a)), Some(Value::String(b))) => {
                self.arena.budget.is_before(self.arena.str(*a), self.arena.str(*b))
            }
            _ => self.comparable(a) < self.comparable(b),
        }
    }

    fn at_most(&self, a: Option<&Value<'a>>, b: Option<&Value<'a>>) -> bool {
        self.less(a, b) || self.equal(a, b)
    }

    /// An operand as a number: null is 0, an operand that is not there or is no scalar is NaN.
    fn comparable(&self, value: Option<&Value<'a>>) -> f64 {
        match value {
            Some(Value::Null) => 0.0,
            Some(Value::Bool(bit)) => f64::from(*bit),
            Some(Value::Number(number)) => *number,
            Some(Value::String(text)) => {
                let text = self.arena.str(*text);
                if !self.arena.budget.affords_number(text) {
                    return f64::NAN;
                }
                number::parse_comparable(text)
            }
            Some(Value::List(_) | Value::Object(_)) | None => f64::NAN,
        }
    }
}

fn same_kind(a: Option<&Value<'_>>, b: Option<&Value<'_>>) -> bool {
    a.map(std::mem::discriminant) == b.map(std::mem::discriminant)
}
