//! The operators that evaluate all of their arguments first.

use super::{Evaluated, Scope};
use crate::flag::{
    context::Evaluator,
    rule::{Arguments, Operator, Rule},
    value::Value,
};

impl<'a> Evaluator<'a, '_> {
    /// A list some of whose elements are rules.
    #[inline(never)]
    pub(super) fn list(&mut self, rules: &'a [Rule], scope: &Scope<'_, 'a>) -> Evaluated<'a> {
        self.visit(rules.len())?;
        let base = self.arena.stack.len();
        self.push_all(rules, scope)?;
        Ok(self.arena.list_from_stack(base))
    }

    /// Evaluates the arguments of an operator, then the operator.
    #[inline(never)]
    pub(super) fn operation(
        &mut self,
        operator: Operator,
        arguments: &'a Arguments,
        scope: &Scope<'_, 'a>,
    ) -> Evaluated<'a> {
        self.visit(arguments.len())?;
        // Of these two operands, neither needs to lie on the stack.
        if let (Operator::StartsWith | Operator::EndsWith, Arguments::Listed(rules)) =
            (operator, arguments)
            && let [text, affix] = &**rules
        {
            let (text, affix) = (self.operand(text, scope)?, self.operand(affix, scope)?);
            let result = self.affix(operator, &[text, affix]);
            return self.within_budget(result);
        }
        let base = self.arena.stack.len();
        self.push_arguments(arguments, scope)?;
        let result = self.apply(operator, base, scope);
        self.arena.stack.truncate(base);
        self.within_budget(result)
    }

    pub(super) fn push_all(
        &mut self,
        rules: &'a [Rule],
        scope: &Scope<'_, 'a>,
    ) -> Result<(), &'a str> {
        for rule in rules {
            let value = self.operand(rule, scope)?;
            self.arena.push(value);
        }
        Ok(())
    }

    fn push_arguments(
        &mut self,
        arguments: &'a Arguments,
        scope: &Scope<'_, 'a>,
    ) -> Result<(), &'a str> {
        match arguments {
            Arguments::Listed(rules) => self.push_all(rules, scope)?,
            Arguments::Bare(rule) => match self.rule(rule, scope)? {
                Value::List(list) => self.arena.push_elements(list),
                value => self.arena.push(value),
            },
        }
        Ok(())
    }

    fn apply(&mut self, operator: Operator, base: usize, scope: &Scope<'_, 'a>) -> Value<'a> {
        match operator {
            Operator::Equal
            | Operator::StrictEqual
            | Operator::NotEqual
            | Operator::StrictNotEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => {
                Value::Bool(self.compare(operator, self.arena.arguments(base)))
            }
            Operator::Not => Value::Bool(!self.is_true(base)),
            Operator::Truth => Value::Bool(self.is_true(base)),
            Operator::Add
            | Operator::Subtract
            | Operator::Multiply
            | Operator::Divide
            | Operator::Remainder
            | Operator::Max
            | Operator::Min
            | Operator::Abs => self.arithmetic(operator, base),
            Operator::In => Value::Bool(self.is_in(base)),
            Operator::Cat { trim } => self.cat(base, trim),
            Operator::Substr => self.substr(base),
            Operator::Merge => self.merge(base),
            Operator::Missing => self.missing(base, scope.data),
            Operator::MissingSome => self.missing_some(base, scope.data),
            Operator::Set => self.set(base),
            Operator::ContainsAll | Operator::ContainsAny | Operator::ContainsNone => {
                Value::Bool(self.contains(operator, base))
            }
            Operator::StartsWith | Operator::EndsWith => {
                self.affix(operator, self.arena.arguments(base))
            }
            Operator::SemVer => self.sem_ver(base),
        }
    }

    pub(super) fn argument(&self, base: usize, place: usize) -> Option<Value<'a>> {
        self.arena.arguments(base).get(place).copied()
    }

    fn is_true(&self, base: usize) -> bool {
        self.argument(base, 0).is_some_and(|value| value.is_true(&self.arena))
    }
}
