//! `fractional` as written: what is bucketed, and the shares.

use super::rule::{Exceeded, RuleCompiler};
use crate::{
    document::json::Json,
    flag::{
        rule::{Fractional, FractionalEntry, Literal, Rule},
        split_summary::literal_weights,
    },
};

/// The largest weight, and the largest sum of them.
const MAX_WEIGHT: u32 = i32::MAX.cast_unsigned();

/// Compiles a split. One that can never pick a share is null, as in flagd, and is reported.
pub(super) fn compile<'e>(
    compiler: &mut RuleCompiler<'e, '_>,
    argument: Json<'e>,
) -> Result<Rule, Exceeded> {
    let shape = "write {\"fractional\": [[\"on\", 25], [\"off\", 75]]}";
    let nothing = Ok(Rule::Literal(Literal::Null));
    let Json::Array(arguments) = argument else {
        compiler.warn("a split needs a list of shares", shape);
        return nothing;
    };
    let [first] = arguments.first();
    let by = first.filter(|by| !by.is_array());
    let offset = usize::from(by.is_some());
    let shares = arguments.iter().skip(offset);
    let by = by.map(|by| compiler.at_place(0, |compiler| compiler.rule(by))).transpose()?;
    let count = shares.clone().count();
    compiler.charge(count * size_of::<FractionalEntry>())?;
    let mut entries = Vec::with_capacity(count);
    for (place, share) in shares.enumerate() {
        let entry = compiler.at_place(offset + place, |compiler| entry(compiler, share))?;
        let Some(entry) = entry else {
            compiler.at_place(offset + place, |compiler| {
                compiler.warn("is no share: a list of a variant and a weight", shape);
            });
            return nothing;
        };
        entries.push(entry);
    }
    if entries.is_empty() {
        compiler.warn("a split needs at least one share", shape);
        return nothing;
    }
    let weights = literal_weights(&entries).unwrap_or_default();
    let each_fits = weights.iter().all(|weight| *weight <= MAX_WEIGHT);
    match weights.iter().map(|weight| u64::from(*weight)).sum::<u64>() {
        0 if !weights.is_empty() => {
            let help = "give a share a weight";
            compiler.warn("the weights sum to 0, so nobody is in any share", help);
        }
        sum if sum > u64::from(MAX_WEIGHT) && each_fits => {
            let message = format!("the weights sum to {sum}, so nobody is in any share");
            compiler.warn(message, "let them sum to at most 2147483647, or simply to 100");
        }
        _ => {}
    }
    for (place, entry) in entries.iter().enumerate() {
        let Some(Rule::Literal(weight)) = entry.weight.as_ref().map(Rule::resolved) else {
            continue;
        };
        if !is_sensible(weight) {
            let help = "write a whole number from 0 to 2147483647";
            compiler.at_place(offset + place, |compiler| {
                compiler.at_place(1, |compiler| compiler.warn("is no weight", help));
            });
        }
    }
    let generation = compiler.generation();
    Ok(Rule::Fractional(Box::new(Fractional { generation, by, entries: entries.into() })))
}

fn entry<'e>(
    compiler: &mut RuleCompiler<'e, '_>,
    share: Json<'e>,
) -> Result<Option<FractionalEntry>, Exceeded> {
    let Some([Some(variant), weight]) = share.as_array().map(|share| share.first()) else {
        return Ok(None);
    };
    let variant = compiler.at_place(0, |compiler| compiler.rule(variant))?;
    let weight =
        weight.map(|weight| compiler.at_place(1, |compiler| compiler.rule(weight))).transpose()?;
    Ok(Some(FractionalEntry { variant, weight }))
}

/// Whether a literal can be a weight; null means 1.
fn is_sensible(weight: &Literal) -> bool {
    match weight {
        Literal::Null => true,
        Literal::Number(weight) => {
            weight.trunc() == *weight && (0.0..=f64::from(i32::MAX)).contains(weight)
        }
        Literal::Bool(_) | Literal::String(_) | Literal::List(_) | Literal::Object(_) => false,
    }
}
