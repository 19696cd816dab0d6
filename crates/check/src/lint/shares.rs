//! Splits of units, and who moves when they change.

use super::logic::{operands, operation};
use crate::lint::context::LintedFlag;
use flagstaff_core::flag::rule::Generation;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// A split that says outright who gets how much.
#[derive(Debug)]
pub(super) struct WrittenSplit<'a> {
    /// What is hashed.
    pub(super) unit: Json,
    pub(super) shares: Vec<(&'a str, f64)>,
}

/// A share of units against the rest, which is meant to grow and shrink.
pub(super) fn is_rollout(flag: &LintedFlag, split: &WrittenSplit<'_>) -> bool {
    let default = flag.default.as_str();
    let of_variants = split.shares.iter().all(|(name, _)| flag.variants.contains_key(*name));
    !of_variants
        || (split.shares.len() <= 2 && split.shares.iter().any(|(name, _)| Some(*name) == default))
}

/// All splits of a flag that say outright who gets how much.
pub(super) fn splits(flag: &LintedFlag, generation: Generation) -> Vec<WrittenSplit<'_>> {
    let mut all = Vec::new();
    collect(&flag.targeting, flag, generation, &mut all);
    all
}

fn collect<'a>(
    rule: &'a Json,
    flag: &'a LintedFlag,
    generation: Generation,
    all: &mut Vec<WrittenSplit<'a>>,
) {
    if let Some(arguments) = operands(rule, "fractional") {
        let by = arguments.first().filter(|by| !by.is_array());
        let shares = arguments.iter().filter_map(Json::as_array).map(|share| {
            let weight = share.get(1).map_or(Some(1.0), Json::as_f64)?;
            // The shares of a gate may be truths.
            let name = match share.first()? {
                Json::String(name) => name.as_str(),
                Json::Bool(bit) => {
                    if *bit {
                        "true"
                    } else {
                        "false"
                    }
                }
                _ => return None,
            };
            Some((name, weight))
        });
        if let Some(shares) = shares.collect::<Option<Vec<_>>>() {
            all.push(WrittenSplit { unit: unit(by, &flag.key, generation), shares });
        }
    }
    match rule {
        Json::Array(parts) => parts.iter().for_each(|part| collect(part, flag, generation, all)),
        Json::Object(members) => {
            members.values().for_each(|part| collect(part, flag, generation, all));
        }
        _ => {}
    }
}

/// What a split hashes, in one form for what comes to the same.
fn unit(by: Option<&Json>, key: &str, generation: Generation) -> Json {
    let salted = by.and_then(|by| match operation(by) {
        Some(("if", [condition, salted])) if operation(condition).is_some() => Some(salted),
        _ => None,
    });
    let by = match (salted.or(by), generation) {
        (Some(by), _) => by.clone(),
        // The second generation joins flag key and targeting key, as one could write it.
        (None, Generation::V2) => json!({"cat": [key, {"var": "targetingKey"}]}),
        (None, Generation::V3) => Json::Null,
    };
    json!([generation.as_str(), by])
}

/// The share of units that another variant is drawn for when all are hashed anew.
pub(super) fn dealt_anew(old: &WrittenSplit<'_>, new: &WrittenSplit<'_>) -> f64 {
    let part = |split: &WrittenSplit<'_>, name: &str| {
        let all: f64 = split.shares.iter().map(|(_, weight)| weight).sum();
        let own = split.shares.iter().filter(|(known, _)| *known == name);
        own.map(|(_, weight)| weight).sum::<f64>() / all.max(1.0)
    };
    let names: BTreeSet<&str> = old.shares.iter().map(|(name, _)| *name).collect();
    1.0 - names.into_iter().map(|name| part(old, name) * part(new, name)).sum::<f64>()
}

/// The shares of units that go from one variant to another.
pub(super) fn moves<'a>(
    old: &[(&'a str, f64)],
    new: &[(&'a str, f64)],
) -> BTreeMap<(&'a str, &'a str), f64> {
    let mut moves = BTreeMap::new();
    let (old, new) = (bounds(old), bounds(new));
    let mut ends: Vec<f64> = old.iter().chain(&new).map(|(_, end)| *end).collect();
    ends.sort_by(f64::total_cmp);
    let mut begin = 0.0;
    for end in ends {
        let at = |bounds: &[(&'a str, f64)]| {
            let middle = f64::midpoint(begin, end);
            bounds.iter().find(|(_, end)| middle < *end).map(|(name, _)| *name)
        };
        if let (Some(from), Some(to)) = (at(&old), at(&new))
            && from != to
        {
            *moves.entry((from, to)).or_insert(0.0) += end - begin;
        }
        begin = end;
    }
    moves.retain(|_, share| *share > 1e-9);
    moves
}

/// Where each share ends on a line from 0 to 1.
fn bounds<'a>(shares: &[(&'a str, f64)]) -> Vec<(&'a str, f64)> {
    let all: f64 = shares.iter().map(|(_, weight)| weight).sum();
    let mut sum = 0.0;
    let end = |(name, weight): &(&'a str, f64)| {
        sum += weight;
        (*name, if all > 0.0 { sum / all } else { 0.0 })
    };
    shares.iter().map(end).collect()
}

/// At most two decimals, and none that say nothing.
pub(super) fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moved_units_are_those_between_other_bounds() {
        let even = [("a", 1.0), ("b", 1.0), ("c", 1.0)];
        let told = |new: &[(&'static str, f64)]| {
            let moves = moves(&even, new);
            moves
                .iter()
                .map(|((from, to), share)| format!("{from}{to} {}", percent(*share)))
                .collect::<Vec<_>>()
        };
        assert_eq!(told(&even), [""; 0]);
        assert_eq!(told(&[("a", 2.0), ("b", 2.0), ("c", 2.0)]), [""; 0]);
        assert_eq!(told(&[("a", 2.0), ("b", 1.0), ("c", 1.0)]), ["ba 16.67 %", "cb 8.33 %"]);
        assert_eq!(told(&[("a", 0.0), ("b", 1.0), ("c", 1.0)]), ["ab 33.33 %", "bc 16.67 %"]);
    }
}
