//! A compiled rule: the JSONLogic of a definition as a tree that only has to be walked.

mod heap;
pub(crate) mod operators;
mod parts;
mod shared;

pub(crate) use shared::{RuleSize, SharedRule};

use super::{
    budget::EvaluationBudget,
    packed::Packed,
    value::Value,
    version::{OwnedVersion, Range},
};
use std::sync::Arc;

/// One node of a rule.
#[derive(Debug)]
pub enum Rule {
    Literal(Literal),
    /// A list some of whose elements are rules.
    List(Box<[Self]>),
    /// An attribute by a path known at load.
    Var(Var),
    /// An attribute by a path that is itself computed.
    ComputedVar(Arguments),
    /// Pairs of condition and result, then perhaps an else.
    If(Box<[Self]>),
    And(Box<[Self]>),
    Or(Box<[Self]>),
    Apply(Operator, Arguments),
    /// A comparison of two operands.
    Compare(Operator, Box<(Self, Self)>),
    /// `sem_ver` with an operator and a version known at load.
    SemVer(Box<(Self, Range, OwnedVersion)>),
    /// `in` over a list of literals.
    InSet(Box<(Self, Arc<LiteralSet>)>),
    /// An operator that runs a rule for each element of a list.
    Each(Each, Box<(Self, Self)>),
    /// List, rule and initial value.
    Reduce(Box<(Self, Self, Self)>),
    Fractional(Box<Fractional>),
    /// An evaluator, compiled once and shared by every rule that refers to it.
    Shared(Arc<SharedRule>),
    /// A rule that cannot be run; evaluating fails with this text, if it is ever reached.
    Broken(Box<str>),
}

/// A value written in the definition.
#[derive(Debug)]
pub enum Literal {
    Null,
    Bool(bool),
    Number(f64),
    String(Box<str>),
    /// Encoded as a `ListValue`.
    List(Box<[u8]>),
    /// Encoded as a `Struct`.
    Object(Box<[u8]>),
}

impl Literal {
    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(bit) => Value::Bool(*bit),
            Self::Number(number) => Value::Number(*number),
            Self::String(text) => Value::text(text),
            Self::List(encoded) => Value::list(encoded),
            Self::Object(encoded) => Value::object(encoded),
        }
    }
}

/// What an operator is given.
#[derive(Debug)]
pub enum Arguments {
    /// `{"op": [a, b]}`
    Listed(Box<[Rule]>),
    /// `{"op": a}`: `a` is the only argument, unless it evaluates to a list of arguments.
    Bare(Box<Rule>),
}

impl Arguments {
    /// How many are written.
    pub(crate) fn len(&self) -> usize {
        if let Self::Listed(rules) = self { rules.len() } else { 1 }
    }
}

/// A look-up in the context, or in the element at hand.
#[derive(Debug)]
pub struct Var {
    pub path: AttributePath,
    pub(crate) default: Option<Box<Rule>>,
}

/// Where an attribute lies.
#[derive(Debug)]
pub enum AttributePath {
    /// All of the data at hand.
    Whole,
    /// The data at hand if it is a scalar (`{"var": null}`).
    Scalar,
    /// Names or indices, outermost first; never empty.
    Parts(Box<[PathPart]>),
}

/// One step of a path: a name in an object, an index in a list.
#[derive(Debug)]
pub struct PathPart {
    pub name: Box<str>,
    /// `None` for a negative index, which nothing has.
    pub(crate) index: Option<usize>,
}

/// Operators that evaluate all of their arguments first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Equal,
    StrictEqual,
    NotEqual,
    StrictNotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Not,
    Truth,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Max,
    Min,
    Abs,
    In,
    Cat { trim: bool },
    Substr,
    Merge,
    Missing,
    MissingSome,
    Set,
    ContainsAll,
    ContainsAny,
    ContainsNone,
    StartsWith,
    EndsWith,
    SemVer,
}

impl Operator {
    /// Whether it compares by size; of three operands, each with the next.
    pub(crate) fn orders(self) -> bool {
        matches!(self, Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual)
    }

    /// The comparison that says the same with its operands exchanged.
    pub(crate) fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            other => other,
        }
    }

    /// Whether it compares operands, two by two.
    pub(crate) fn compares(self) -> bool {
        self.orders()
            || matches!(
                self,
                Self::Equal | Self::StrictEqual | Self::NotEqual | Self::StrictNotEqual
            )
    }
}

/// Operators that run a rule for each element of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Each {
    Map,
    Filter,
    All,
    Some,
    None,
}

/// The literal list of an `in`, ready to be asked.
#[derive(Debug, Default)]
pub struct LiteralSet {
    pub(crate) strings: Strings,
    /// What a number is compared with: numbers, and strings as the numbers they spell. Sorted.
    pub(crate) numbers: Box<[f64]>,
    /// `[low, high]` elements: inclusive ranges of numbers.
    pub(crate) ranges: Box<[(f64, f64)]>,
    pub(crate) bools: [bool; 2],
    pub(crate) null: bool,
}

/// The strings of a set: a few are faster found by looking at each.
#[derive(Debug)]
pub(crate) enum Strings {
    Few(Box<[Box<str>]>),
    Many(Packed),
}

impl Strings {
    pub(crate) fn contains(&self, text: &str, budget: &EvaluationBudget) -> bool {
        match self {
            Self::Few(strings) => strings.iter().any(|known| budget.is_same(known, text)),
            Self::Many(strings) => strings.contains(text, budget),
        }
    }

    /// Whether one of many texts is this number as people write it, which the set does not keep as
    /// a number too.
    pub(crate) fn spell(&self, number: f64, budget: &EvaluationBudget) -> bool {
        let Self::Many(strings) = self else { return false };
        if !(0.0..MAX_SPELLED).contains(&number) || number.trunc() != number {
            return false;
        }
        let mut digits = [0; 16];
        let (mut at, mut rest) = (digits.len(), number);
        loop {
            at -= 1;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 10")]
            let digit = (rest % 10.0) as u8;
            if let Some(place) = digits.get_mut(at) {
                *place = b'0' + digit;
            }
            rest = (rest / 10.0).trunc();
            if rest == 0.0 {
                break;
            }
        }
        let digits = digits.get(at..).and_then(|digits| std::str::from_utf8(digits).ok());
        digits.is_some_and(|digits| strings.contains(digits, budget))
    }
}

/// Whole numbers below this are exact, and have at most fifteen digits.
const MAX_SPELLED: f64 = 1e15;

/// Whether [`Strings::spell`] finds a text.
pub(crate) fn is_spelled(text: &str) -> bool {
    let is_short = text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_short && !text.is_empty() && (text == "0" || !text.starts_with('0'))
}

impl Default for Strings {
    fn default() -> Self {
        Self::Few(Box::default())
    }
}

/// Which generation of the fractional operator decides who gets what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Generation {
    /// flagd 0.15 to 0.16: the hash is taken of the text of the bucketing key.
    V2,
    /// flagd's accepted successor: the hash is taken of the key's deterministic CBOR.
    V3,
}

impl Generation {
    /// The name files and options know it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2 => "v2",
            Self::V3 => "v3",
        }
    }
}

/// A split of units over variants.
#[derive(Debug)]
pub struct Fractional {
    pub(crate) generation: Generation,
    /// What is bucketed; without it, the flag's key with the targeting key.
    pub(crate) by: Option<Rule>,
    pub(crate) entries: Box<[FractionalEntry]>,
}

/// One share of a split.
#[derive(Debug)]
pub(crate) struct FractionalEntry {
    pub(crate) variant: Rule,
    /// `None` is a weight of 1.
    pub(crate) weight: Option<Rule>,
}
