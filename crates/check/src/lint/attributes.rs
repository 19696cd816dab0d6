//! Attributes that are taken for two things.

use super::{
    findings::Findings,
    logic::{attribute, visit},
    table::MIXED_TYPES,
};
use crate::lint::context::LintContext;
use flagstaff_core::diagnostic::Path;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// What an attribute is taken for, and where that was seen first.
struct Use {
    kind: &'static str,
    first: String,
    is_told: bool,
}

pub(super) fn look(page: &LintContext, found: &mut Findings<'_>) {
    let mut uses: BTreeMap<String, Use> = BTreeMap::new();
    let evaluators = page
        .evaluators
        .iter()
        .map(|(name, rule)| (rule, Path::from("$evaluators").member(name), name));
    let flags = page.flags.iter().map(|flag| (&flag.targeting, flag.targeting_path(), &flag.key));
    for (rule, mut path, name) in evaluators.chain(flags) {
        let mut see = |operator: &str, operands: &[Json], path: &Path| {
            for (name_of, kind) in kinds(operator, operands) {
                let known = uses.entry(name_of.to_owned()).or_insert_with(|| Use {
                    kind,
                    first: name.clone(),
                    is_told: false,
                });
                if known.kind == kind || known.is_told {
                    continue;
                }
                known.is_told = true;
                let before = match known.first == *name {
                    true => "before that".to_owned(),
                    false => format!("\"{}\"", known.first),
                };
                let message = format!(
                    "compares \"{name_of}\" with a {kind}, and {before} with a {}",
                    known.kind
                );
                let help = "applications send it as one of them: write all as that one";
                found.tell(&MIXED_TYPES, path, message, help);
            }
        };
        visit(rule, &mut path, &mut see);
    }
}

/// The attributes that an operation asks, and what it takes each for.
fn kinds<'a>(operator: &str, operands: &'a [Json]) -> Vec<(&'a str, &'static str)> {
    let of = |value: &Json| match value {
        Json::String(_) => Some("text"),
        Json::Number(_) => Some("number"),
        Json::Bool(_) => Some("truth"),
        _ => None,
    };
    let names = || operands.iter().filter_map(attribute).filter(|name| !name.starts_with("$flagd"));
    let all = |kind: &'static str| names().map(|name| (name, kind)).collect();
    match operator {
        "<" | "<=" | ">" | ">=" if operands.iter().any(Json::is_number) => all("number"),
        "==" | "===" | "!=" | "!==" => {
            let kind = operands.iter().find_map(of);
            kind.map_or_else(Vec::new, all)
        }
        "starts_with" | "ends_with" | "sem_ver" => all("text"),
        "in" => {
            let Some(values) = operands.get(1).and_then(Json::as_array) else { return Vec::new() };
            let kinds = ["text", "number", "truth"].into_iter();
            let named = kinds.filter(|kind| values.iter().any(|value| of(value) == Some(kind)));
            named.flat_map(all).collect()
        }
        _ => Vec::new(),
    }
}
