//! From the result of a targeting to the variant that it names.

use super::{By, Evaluated, Failure, Outcome, Reason, outcome::default_variant};
use crate::{
    document::number,
    flag::{context::Evaluator, model::Flag, value::Value},
};

impl<'a> Evaluator<'a, '_> {
    /// The answer that the result of a flag's targeting comes to.
    pub(crate) fn conclude(&mut self, flag: &'a Flag, result: Evaluated<'a>) -> Outcome<'a> {
        let result = match result {
            Ok(result) => result,
            Err(why) => return Outcome::Failed(Failure::Parse(why)),
        };
        if self.arena.budget.is_exhausted() {
            return Outcome::Failed(Failure::Parse(self.arena.budget.why()));
        }
        let by = if self.state.split { By::Split } else { By::Rule };
        let name = match result {
            Value::Null if self.state.split => {
                return default_variant(flag, Reason::Default, By::Split);
            }
            Value::Null => return default_variant(flag, Reason::Default, By::Default),
            Value::String(text) => self.arena.str(text),
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::Object(_) => return Outcome::Failed(Failure::General),
            Value::Number(_) | Value::List(_) => {
                let start = self.arena.text.len();
                let is_finite = self.write_result(result).is_some();
                if self.arena.budget.is_exhausted() {
                    return Outcome::Failed(Failure::Parse(self.arena.budget.why()));
                }
                if !is_finite {
                    return Outcome::Failed(Failure::Parse("the result is not a finite number"));
                }
                self.arena.text.get(start..).unwrap_or_default()
            }
        };
        match flag.variant_named(name) {
            Some(index) => Outcome::Variant { index, reason: Reason::TargetingMatch, by },
            None => Outcome::Failed(Failure::General),
        }
    }

    /// Writes a result as flagd compares it with variant names: JSON without its double quotes.
    fn write_result(&mut self, value: Value<'a>) -> Option<()> {
        match value {
            Value::Number(number) => {
                if !number.is_finite() {
                    return None;
                }
                self.arena.append_number(number, number::write_json);
            }
            Value::List(list) => {
                self.arena.append("[");
                self.append_elements(list, Self::write_result)?;
                self.arena.append("]");
            }
            Value::Null => self.arena.append("null"),
            // No variant is named after an object.
            Value::Object(_) => self.arena.append("{}"),
            Value::Bool(_) | Value::String(_) => self.append_text(value),
        }
        Some(())
    }
}
