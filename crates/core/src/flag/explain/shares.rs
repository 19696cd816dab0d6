//! A split as a person reads it: who is bucketed, where that is, and from which share on.
//!
//! The hash of a unit is its place on a line from 0 to 100 %, whatever the weights are: a unit is
//! in the first share exactly if that share is larger than its place. So the place says how far a
//! rollout has to go until it reaches this unit.

use super::{
    ExplainStep, expression,
    walk::{Asked, ExplainWalk},
};
use crate::flag::{
    bucket,
    context::TARGETING_KEY,
    evaluate::{Draw, Evaluated, Scope},
    rule::{Fractional, Generation, Rule},
    value::{Object, Value},
};

/// Ten-thousandths of the line: the steps an entering share is told in, hundredths of a percent.
const STEPS: u32 = 10_000;

impl<'a> ExplainWalk<'_, 'a, '_> {
    pub(super) fn split(
        &mut self,
        lead: &str,
        split: &'a Fractional,
        depth: usize,
        asked: Asked,
    ) -> Evaluated<'a> {
        let place = self.reserve(depth);
        let title = format!("{lead}fractional ({})", split.generation.as_str());
        let draw = match self.evaluator.draw(split, &Scope::CONTEXT) {
            Ok(draw) => draw,
            Err(why) => {
                self.tell(place, format!("{title}: fails"));
                return Err(why);
            }
        };
        let chosen = self.evaluator.pick(&draw);
        let shares = self.evaluator.shares(&draw).to_vec();
        self.evaluator.arena.stack.truncate(draw.base);
        let variant = chosen.and_then(|chosen| shares.get(chosen));
        let variant = variant.map_or(Value::Null, |[variant, _]| *variant);
        let title =
            format!("{title} by {}: {}", self.unit(split, &draw), self.answer(asked, Ok(variant)));
        let details = match (draw.total, draw.hash) {
            (None, _) => "the weights have to be whole numbers with a sum from 1 to 2147483647, \
                and the variants no lists or objects"
                .to_owned(),
            (_, None) => self.nobody(split, &draw),
            (_, Some(hash)) => {
                format!("bucket {}{}", percent(hash, 3), self.entering(&shares, hash))
            }
        };
        self.tell(place, format!("{title} ({details})"));
        if let Some(total) = draw.total {
            self.ranges(&shares, total, chosen, depth + 1);
        }
        Ok(variant)
    }

    /// What is bucketed.
    fn unit(&mut self, split: &Fractional, draw: &Draw<'a>) -> String {
        let by = match (split.by.as_ref().map(Rule::resolved), draw.by) {
            (Some(Rule::Literal(_)), Some(value)) => Some(self.json(value)),
            (Some(rule), Some(value)) => {
                Some(format!("{} = {}", expression::text(self.flag, rule), self.json(value)))
            }
            _ => None,
        };
        let dropped = split.generation == Generation::V2 && matches!(draw.by, Some(Value::Null));
        match by {
            Some(by) if !dropped => return by,
            _ => {}
        }
        let key = match self.targeting_key() {
            Some(Value::Null) | None => "flag key + targeting key".to_owned(),
            Some(key) => format!("flag key + targeting key {}", self.json(key)),
        };
        by.map_or(key.clone(), |by| format!("{key}, since {by}"))
    }

    fn targeting_key(&mut self) -> Option<Value<'a>> {
        self.evaluator.unpaid(|evaluator| evaluator.attribute(Object::Context, TARGETING_KEY))
    }

    /// Why there is nobody to bucket.
    fn nobody(&mut self, split: &Fractional, draw: &Draw<'a>) -> String {
        let by_key = match split.generation {
            Generation::V2 => draw.by.is_none_or(|by| by.is_null()),
            Generation::V3 => draw.by.is_none(),
        };
        let key = self.targeting_key();
        let why = match (by_key, split.generation) {
            (true, _) if key.is_none_or(|key| key.is_null()) => {
                "the context has no \"targetingKey\""
            }
            (true, _) => "the \"targetingKey\" has to be a text, and not empty",
            (false, Generation::V2) => "v2 buckets nothing but texts",
            (false, Generation::V3) => "v3 buckets no null and no list",
        };
        format!("{why}, so nobody is bucketed")
    }

    /// Of two shares, the one that is rolled out, and how large it has to be for this unit: it is
    /// not the one everybody has by default.
    fn entering(&self, shares: &[[Value<'a>; 2]], hash: u32) -> String {
        let [[first, _], [second, _]] = shares else { return String::new() };
        let is_default = |share: &str| {
            self.flag.default().is_some_and(|variant| variant.name() == share.trim_matches('"'))
        };
        let (first, second) = (self.json(*first), self.json(*second));
        let place = bucket::project(hash, STEPS);
        let (name, size) =
            if is_default(&first) { (second, STEPS - place) } else { (first, place + 1) };
        format!(", enters {name} at {}", decimal(u64::from(size), 2))
    }

    /// One line for each share.
    fn ranges(
        &mut self,
        shares: &[[Value<'a>; 2]],
        total: u32,
        chosen: Option<usize>,
        depth: usize,
    ) {
        let mut reached = 0.0;
        for (place, [variant, weight]) in shares.iter().enumerate() {
            let from = reached;
            if let Value::Number(weight) = weight {
                reached += weight;
            }
            let name = self.json(*variant);
            let text = if reached > from {
                let here = if chosen == Some(place) { ": here" } else { "" };
                format!("{name} from {} to {}{here}", part(from, total), part(reached, total))
            } else {
                format!("{name} for nobody: its weight is 0")
            };
            self.steps.push(ExplainStep::new(depth, text));
        }
    }
}

/// A hash as its place on the line, cut (not rounded) after so many digits: what is shown is never
/// beyond the border of a share that the unit is short of.
fn percent(hash: u32, digits: u32) -> String {
    decimal((u64::from(hash) * 10u64.pow(digits + 2)) >> 32, digits)
}

/// The border of a share, cut likewise.
fn part(weight: f64, total: u32) -> String {
    // Whole and at most the total.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
    let weight = weight as u64;
    decimal(weight * 100_000 / u64::from(total).max(1), 3)
}

/// A number of so many decimal digits as a percentage, without zeros at its end.
fn decimal(number: u64, digits: u32) -> String {
    let unit = 10u64.pow(digits);
    let width = usize::try_from(digits).unwrap_or_default();
    let text = format!("{}.{:0width$}", number / unit, number % unit);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}
