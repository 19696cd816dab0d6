//! The operators by name, and which of them take a literal without a list around it.

use crate::{
    document::json::Json,
    flag::rule::{Each, Generation, Operator},
};
use std::mem::discriminant;

/// Whether an operator takes this literal as its only argument, written without a list.
pub(crate) fn takes_one(operator: Operator, literal: Json<'_>) -> bool {
    match operator {
        Operator::Not | Operator::Truth | Operator::StartsWith | Operator::EndsWith => true,
        Operator::SemVer | Operator::StrictEqual | Operator::StrictNotEqual => true,
        Operator::ContainsAll | Operator::ContainsAny | Operator::ContainsNone => true,
        Operator::Merge => !literal.is_null() && !literal.is_object(),
        Operator::Cat { .. } | Operator::Missing => literal.is_string(),
        Operator::Add | Operator::Abs => literal.is_string() || literal.is_number(),
        _ => false,
    }
}

pub(crate) fn each_named(name: &str) -> Option<Each> {
    Some(match name {
        "map" => Each::Map,
        "filter" => Each::Filter,
        "all" => Each::All,
        "some" => Each::Some,
        "none" => Each::None,
        _ => return None,
    })
}

/// What to write instead of operators that other languages have.
pub(crate) fn called_otherwise(name: &str) -> Option<&'static str> {
    Some(match name {
        "=>" => "did you mean \">=\"?",
        "=<" => "did you mean \"<=\"?",
        "=" | "eq" | "equals" | "is" => "did you mean \"==\"?",
        "<>" | "ne" | "neq" | "not_equals" => "did you mean \"!=\"?",
        "&&" => "did you mean \"and\"?",
        "||" => "did you mean \"or\"?",
        "not" => "did you mean \"!\"?",
        "gt" => "did you mean \">\"?",
        "gte" => "did you mean \">=\"?",
        "lt" => "did you mean \"<\"?",
        "lte" => "did you mean \"<=\"?",
        "contains" | "includes" | "has" => "write {\"in\": [TEXT, {\"var\": ATTRIBUTE}]}",
        "semver" | "version" => "did you mean \"sem_ver\"?",
        "regex" | "matches" | "match" | "regexp" => {
            "there are no regular expressions; use starts_with, ends_with or in"
        }
        _ => return None,
    })
}

/// Operators with operands of their own kind, which only a list can hold.
const LAZY: [&str; 10] =
    ["if", "?:", "and", "or", "map", "filter", "all", "some", "none", "reduce"];

pub(crate) fn is_lazy(name: &str) -> bool {
    LAZY.contains(&name)
}

const EAGER: [(&str, Operator); 31] = [
    ("==", Operator::Equal),
    ("===", Operator::StrictEqual),
    ("!=", Operator::NotEqual),
    ("!==", Operator::StrictNotEqual),
    ("<", Operator::Less),
    ("<=", Operator::LessOrEqual),
    (">", Operator::Greater),
    (">=", Operator::GreaterOrEqual),
    ("!", Operator::Not),
    ("!!", Operator::Truth),
    ("+", Operator::Add),
    ("-", Operator::Subtract),
    ("*", Operator::Multiply),
    ("/", Operator::Divide),
    ("%", Operator::Remainder),
    ("max", Operator::Max),
    ("min", Operator::Min),
    ("abs", Operator::Abs),
    ("in", Operator::In),
    ("cat", Operator::Cat { trim: true }),
    ("substr", Operator::Substr),
    ("merge", Operator::Merge),
    ("missing", Operator::Missing),
    ("missing_some", Operator::MissingSome),
    ("set", Operator::Set),
    ("contains_all", Operator::ContainsAll),
    ("contains_any", Operator::ContainsAny),
    ("contains_none", Operator::ContainsNone),
    ("starts_with", Operator::StartsWith),
    ("ends_with", Operator::EndsWith),
    ("sem_ver", Operator::SemVer),
];

pub(crate) fn operator_named(name: &str, generation: Generation) -> Option<Operator> {
    let (_, operator) = EAGER.iter().find(|(known, _)| *known == name)?;
    Some(match operator {
        // Trimming changes buckets, so it belongs to the generation that always did it.
        Operator::Cat { .. } => Operator::Cat { trim: generation == Generation::V2 },
        operator => *operator,
    })
}

/// The name an operator is written by.
pub(crate) fn name_of(operator: Operator) -> &'static str {
    let same = |known: Operator| discriminant(&known) == discriminant(&operator);
    EAGER.iter().find(|(_, known)| same(*known)).map_or("", |(name, _)| *name)
}

pub(crate) fn is_operator(name: &str) -> bool {
    operator_names().any(|known| known == name)
}

pub(crate) fn operator_names() -> impl Iterator<Item = &'static str> {
    EAGER.iter().map(|(name, _)| *name).chain(LAZY).chain(["var", "fractional", "$ref"])
}
