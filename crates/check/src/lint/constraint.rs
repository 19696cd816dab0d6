//! What a condition demands of one attribute: to be one of some values, or within a range.

use super::logic::{attribute, operation};
use serde_json::Value as Json;

/// What an attribute has to be.
#[derive(Debug, Clone)]
pub(super) struct Test<'a> {
    pub(super) attribute: &'a str,
    pub(super) must: Must<'a>,
}

#[derive(Debug, Clone)]
pub(super) enum Must<'a> {
    /// One of these.
    Be(Vec<&'a Json>),
    /// None of these.
    NotBe(Vec<&'a Json>),
    /// Within a range of numbers, or of versions.
    Lie(NumberRange),
}

/// Bounds, and whether they belong to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct NumberRange {
    of_versions: bool,
    low: (f64, bool),
    high: (f64, bool),
}

/// A condition on one attribute.
pub(super) fn test(condition: &Json) -> Option<Test<'_>> {
    let (operator, operands) = operation(condition)?;
    let (attribute, must) = match (operator, operands) {
        ("==" | "===", [one, other]) => {
            let (name, value) = with_literal(one, other)?;
            (name, Must::Be(vec![value]))
        }
        ("!=" | "!==", [one, other]) => {
            let (name, value) = with_literal(one, other)?;
            (name, Must::NotBe(vec![value]))
        }
        ("in", [one, Json::Array(values)]) => {
            let are_plain = values.iter().all(|value| !value.is_object() && !value.is_array());
            (attribute(one)?, Must::Be(are_plain.then(|| values.iter().collect())?))
        }
        ("!", [inner]) => match test(inner)? {
            Test { attribute, must: Must::Be(values) } => (attribute, Must::NotBe(values)),
            Test { attribute, must: Must::NotBe(values) } => (attribute, Must::Be(values)),
            Test { must: Must::Lie(_), .. } => return None,
        },
        (sign @ ("<" | "<=" | ">" | ">="), [one, other]) => {
            match (attribute(one), attribute(other)) {
                (Some(name), None) => {
                    (name, Must::Lie(NumberRange::of(sign, other.as_f64()?, false)?))
                }
                (None, Some(name)) => {
                    let mirrored = [("<", ">"), ("<=", ">="), (">", "<"), (">=", "<=")];
                    let (_, sign) = mirrored.into_iter().find(|(known, _)| *known == sign)?;
                    (name, Must::Lie(NumberRange::of(sign, one.as_f64()?, false)?))
                }
                _ => return None,
            }
        }
        ("sem_ver", [one, Json::String(sign), Json::String(version)]) => {
            (attribute(one)?, Must::Lie(NumberRange::of(sign, version_number(version)?, true)?))
        }
        _ => return None,
    };
    Some(Test { attribute, must })
}

fn with_literal<'a>(one: &'a Json, other: &'a Json) -> Option<(&'a str, &'a Json)> {
    let is_literal = |json: &Json| !json.is_object() && !json.is_array();
    match (attribute(one), attribute(other)) {
        (Some(name), None) => is_literal(other).then_some((name, other)),
        (None, Some(name)) => is_literal(one).then_some((name, one)),
        _ => None,
    }
}

/// A version without anything behind its three numbers, as a number of the same order.
fn version_number(version: &str) -> Option<f64> {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    let mut next = || parts.next()?.filter(|part| *part < 100_000).map(f64::from);
    let number = (next()? * 1e5 + next()?) * 1e5 + next()?;
    parts.next().is_none().then_some(number)
}

impl NumberRange {
    fn of(sign: &str, bound: f64, of_versions: bool) -> Option<Self> {
        let all =
            Self { of_versions, low: (f64::NEG_INFINITY, false), high: (f64::INFINITY, false) };
        match sign {
            "<" => Some(Self { high: (bound, false), ..all }),
            "<=" => Some(Self { high: (bound, true), ..all }),
            ">" => Some(Self { low: (bound, false), ..all }),
            ">=" => Some(Self { low: (bound, true), ..all }),
            "=" => Some(Self { low: (bound, true), high: (bound, true), ..all }),
            _ => None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let ((low, with_low), (high, with_high)) = (self.low, self.high);
        low > high || (low >= high && !(with_low && with_high))
    }

    fn contains(&self, number: f64) -> bool {
        let ((low, with_low), (high, with_high)) = (self.low, self.high);
        (number > low || (with_low && number >= low))
            && (number < high || (with_high && number <= high))
    }

    fn is_within(&self, other: &Self) -> bool {
        let low =
            self.low.0 > other.low.0 || (self.low.0 >= other.low.0 && (other.low.1 || !self.low.1));
        let high = self.high.0 < other.high.0
            || (self.high.0 <= other.high.0 && (other.high.1 || !self.high.1));
        self.of_versions == other.of_versions && low && high
    }

    fn common(&self, other: &Self) -> Self {
        let low = if self.low.0 > other.low.0 || (self.low.0 >= other.low.0 && !self.low.1) {
            self.low
        } else {
            other.low
        };
        let high = if self.high.0 < other.high.0 || (self.high.0 <= other.high.0 && !self.high.1) {
            self.high
        } else {
            other.high
        };
        Self { low, high, of_versions: self.of_versions }
    }
}

impl Test<'_> {
    /// What it takes to read it.
    pub(super) fn cost(&self) -> usize {
        match &self.must {
            Must::Be(values) | Must::NotBe(values) => cost(values),
            Must::Lie(_) => 0,
        }
    }

    /// Whether what passes this test passes the other; not told once there are no steps left.
    pub(super) fn is_within(&self, other: &Self, left: &mut usize) -> bool {
        if self.attribute != other.attribute {
            return false;
        }
        match (&self.must, &other.must) {
            (Must::Be(mine), Must::Be(theirs)) => {
                mine.iter().all(|value| spend(left, theirs) && theirs.contains(value))
            }
            (Must::NotBe(mine), Must::NotBe(theirs)) => {
                theirs.iter().all(|value| spend(left, mine) && mine.contains(value))
            }
            (Must::Be(mine), Must::NotBe(theirs)) => mine
                .iter()
                .all(|one| spend(left, theirs) && theirs.iter().all(|other| differ(one, other))),
            (Must::Be(mine), Must::Lie(range)) => {
                let is_in = |value: &&Json| value.as_f64().is_some_and(|one| range.contains(one));
                !range.of_versions && mine.iter().all(is_in)
            }
            (Must::Lie(mine), Must::Lie(theirs)) => mine.is_within(theirs),
            _ => false,
        }
    }

    /// Whether nothing passes both tests.
    pub(super) fn excludes(&self, other: &Self, left: &mut usize) -> bool {
        if self.attribute != other.attribute {
            return false;
        }
        match (&self.must, &other.must) {
            (Must::Be(mine), Must::Be(theirs)) => mine
                .iter()
                .all(|one| spend(left, theirs) && theirs.iter().all(|other| differ(one, other))),
            (Must::Be(mine), Must::NotBe(theirs)) | (Must::NotBe(theirs), Must::Be(mine)) => {
                mine.iter().all(|value| spend(left, theirs) && theirs.contains(value))
            }
            (Must::Be(values), Must::Lie(range)) | (Must::Lie(range), Must::Be(values)) => {
                let is_out = |value: &&Json| value.as_f64().is_some_and(|one| !range.contains(one));
                !range.of_versions && values.iter().all(is_out)
            }
            (Must::Lie(mine), Must::Lie(theirs)) => {
                mine.of_versions == theirs.of_versions && mine.common(theirs).is_empty()
            }
            _ => false,
        }
    }
}

/// To go through a list costs little, but lists of ten thousand against each other do not.
fn cost(values: &[&Json]) -> usize {
    values.len() / 8
}

/// Takes what it costs to go through a list once, and says whether there is anything left.
fn spend(left: &mut usize, values: &[&Json]) -> bool {
    *left = left.saturating_sub(cost(values));
    *left > 0
}

/// Whether two values are never equal, however they are compared: `"5"` may equal `5`.
fn differ(one: &Json, other: &Json) -> bool {
    match (one, other) {
        (Json::String(one), Json::String(other)) => {
            let number = |text: &str| text.trim().parse::<f64>().ok();
            one != other && number(one).zip(number(other)).is_none_or(|(one, other)| one != other)
        }
        (Json::Number(one), Json::Number(other)) => one.as_f64() != other.as_f64(),
        (Json::Bool(one), Json::Bool(other)) => one != other,
        _ => false,
    }
}
