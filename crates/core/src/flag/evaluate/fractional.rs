//! `fractional`: which share of a split a unit falls into.

use super::{Evaluated, Scope};
use crate::flag::{
    bucket,
    context::{Evaluator, TARGETING_KEY},
    rule::{Fractional, Generation},
    value::{Object, Text, Value},
};

/// Weights and their sum stay within a 32-bit signed integer, in every flagd implementation.
const MAX_WEIGHT: f64 = 2_147_483_647.0;

/// A split ready to pick from. The stack above `base` holds variant and weight of each share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draw<'a> {
    /// What was to be bucketed, where the split says so.
    pub(crate) by: Option<Value<'a>>,
    pub(crate) base: usize,
    /// The sum of the weights; `None` if the shares make no sense.
    pub(crate) total: Option<u32>,
    /// The hash of the unit; `None` if there is none, or nothing to pick from.
    pub(crate) hash: Option<u32>,
}

impl<'a> Evaluator<'a, '_> {
    /// The variant of the share the unit falls into; null if there is no unit to bucket or the
    /// shares make no sense.
    #[inline(never)]
    pub(super) fn fractional(
        &mut self,
        split: &'a Fractional,
        scope: &Scope<'_, 'a>,
    ) -> Evaluated<'a> {
        let draw = self.draw(split, scope)?;
        let chosen = self.pick(&draw).and_then(|place| self.shares(&draw).get(place).copied());
        self.arena.stack.truncate(draw.base);
        Ok(chosen.map_or(Value::Null, |[variant, _]| variant))
    }

    /// Evaluates what is bucketed and all shares, and hashes the unit.
    pub(crate) fn draw(
        &mut self,
        split: &'a Fractional,
        scope: &Scope<'_, 'a>,
    ) -> Result<Draw<'a>, &'a str> {
        self.visit(2 * split.entries.len())?;
        let by = split.by.as_ref().map(|by| self.rule(by, scope)).transpose()?;
        let base = self.arena.stack.len();
        let mut total = 0.0;
        let mut sensible = true;
        // flagd evaluates every share before it picks one, so a broken one fails the whole split.
        for entry in &split.entries {
            let variant = self.operand(&entry.variant, scope)?;
            let weight = match &entry.weight {
                None => Some(1.0),
                Some(weight) => weigh(self.operand(weight, scope)?),
            };
            sensible &= weight.is_some() && !matches!(variant, Value::List(_) | Value::Object(_));
            let weight = weight.unwrap_or(0.0);
            total += weight;
            self.arena.push(variant);
            self.arena.push(Value::Number(weight));
        }
        // At most MAX_WEIGHT, and whole.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked right here"
        )]
        let total = (sensible && total > 0.0 && total <= MAX_WEIGHT).then_some(total as u32);
        let hash = total.and_then(|_| self.hash(split.generation, by, scope.data));
        if self.arena.budget.is_exhausted() {
            return Err(self.arena.budget.why());
        }
        self.state.split |= hash.is_some();
        Ok(Draw { by, base, total, hash })
    }

    /// Variant and weight of each share.
    pub(crate) fn shares(&self, draw: &Draw<'a>) -> &[[Value<'a>; 2]] {
        self.arena.arguments(draw.base).as_chunks().0
    }

    /// The place of the share the unit falls into.
    pub(crate) fn pick(&self, draw: &Draw<'a>) -> Option<usize> {
        let bucket = f64::from(bucket::project(draw.hash?, draw.total?));
        let mut reached = 0.0;
        self.shares(draw).iter().position(|[_, weight]| {
            if let Value::Number(weight) = weight {
                reached += weight;
            }
            bucket < reached
        })
    }

    /// The hash of the unit; `None` if there is none.
    fn hash(
        &mut self,
        generation: Generation,
        by: Option<Value<'a>>,
        data: Value<'a>,
    ) -> Option<u32> {
        let Value::Object(object) = data else { return None };
        self.arena.clear_bytes();
        match (generation, by) {
            (Generation::V2, Some(Value::String(unit))) => {
                let unit = self.arena.str(unit);
                let is_affordable = self.arena.budget.affords(unit.len());
                return is_affordable.then(|| bucket::murmur3(unit.as_bytes()));
            }
            (Generation::V2, None | Some(Value::Null)) => {
                let unit = self.targeting_key(object)?;
                let key = self.key_in(object);
                self.arena.hash_text(Text::Given(key));
                self.arena.hash_text(unit);
            }
            (Generation::V3, None) => {
                let unit = self.targeting_key(object)?;
                let key = self.key_in(object);
                self.put_pair(key, unit);
            }
            (Generation::V3, Some(unit)) if !matches!(unit, Value::Null | Value::List(_)) => {
                self.put_value(unit);
            }
            _ => return None,
        }
        Some(bucket::murmur3(&self.arena.bytes))
    }

    fn targeting_key(&mut self, object: Object<'a>) -> Option<Text<'a>> {
        match self.attribute(object, TARGETING_KEY) {
            Some(Value::String(unit)) if !self.arena.str(unit).is_empty() => Some(unit),
            _ => {
                self.state.lacks_targeting_key = true;
                None
            }
        }
    }

    /// The flag's key as the data at hand knows it: an element of a list does not.
    fn key_in(&self, object: Object<'a>) -> &'a str {
        if matches!(object, Object::Context) { self.key } else { "" }
    }
}

/// A weight that makes sense: whole, not above the maximum, and at least 0; null means 1.
fn weigh(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Null => Some(1.0),
        Value::Number(weight) if weight.trunc() == weight && weight <= MAX_WEIGHT => {
            Some(weight.max(0.0))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
