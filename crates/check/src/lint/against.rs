//! What a change does to the users: who gets another variant than before.

use super::{
    findings::Findings,
    logic::{operands, results},
    settled::everybody,
    shares::{WrittenSplit, dealt_anew, is_rollout, moves, percent, splits},
    table::{FLAG_REMOVED, HASH_CHANGED, TYPE_CHANGED, UNITS_MOVED, VARIANT_REMOVED},
};
use crate::lint::context::{LintContext, LintedFlag};
use crate::lint::linted::Linted;
use flagstaff_core::flag::rule::Generation;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// The flags of files as they were before a change.
#[derive(Debug, Default)]
pub struct Before {
    flags: BTreeMap<String, Old>,
}

#[derive(Debug)]
struct Old {
    flag: LintedFlag,
    generation: Generation,
    /// Which of the files it was in.
    file: usize,
}

impl Before {
    /// Reads files in their order: of two flags with one key the last counts.
    pub fn read(files: &[Linted<'_>]) -> Self {
        let mut flags = BTreeMap::new();
        for (file, linted) in files.iter().enumerate() {
            LintContext::look(linted, |page, _| {
                let generation = page.generation;
                flags.extend(
                    page.flags
                        .iter()
                        .cloned()
                        .map(|flag| (flag.key.clone(), Old { flag, generation, file })),
                );
            });
        }
        Self { flags }
    }

    /// The key of each flag, and which of the files it was in.
    pub fn flags(&self) -> impl Iterator<Item = (&str, usize)> {
        self.flags.iter().map(|(key, old)| (key.as_str(), old.file))
    }
}

pub(super) fn look(
    page: &LintContext,
    before: &Before,
    now: i64,
    gone: &[&str],
    found: &mut Findings<'_>,
) {
    for flag in &page.flags {
        if let Some(old) = before.flags.get(&flag.key) {
            variants(&old.flag, flag, found);
            hashing(page, old, flag, found);
        }
    }
    for old in gone.iter().filter_map(|key| before.flags.get(*key)) {
        removed(&old.flag, now, found);
    }
}

/// A flag that is gone while it still decided something.
fn removed(old: &LintedFlag, now: i64, found: &mut Findings<'_>) {
    if old.is_disabled || old.targeting.is_null() || everybody(old, now).is_some() {
        return;
    }
    let message = format!("\"{}\" was removed while it still decided who gets what", old.key);
    let help = "clients that ask for it get the default in their code; serve one variant to \
                everybody first, and remove the code before the flag. If it was renamed, write \
                salt: with the old key, so that nobody moves";
    found.tell(&FLAG_REMOVED, "flags", message, help);
}

fn variants(old: &LintedFlag, new: &LintedFlag, found: &mut Findings<'_>) {
    let served: BTreeSet<&str> = served(old).into_iter().collect();
    for name in served.iter().filter(|name| old.variants.contains_key(**name)) {
        if !new.variants.contains_key(*name) {
            let message = format!("\"{name}\" is gone, which was still served");
            let help = "serve another variant to those who had it, and remove it when nobody has";
            found.tell(&VARIANT_REMOVED, new.path().member("variants"), message, help);
        }
    }
    let kinds = |flag: &LintedFlag| flag.variants.values().map(kind).collect::<BTreeSet<_>>();
    if let ([before], [after]) = (
        kinds(old).into_iter().collect::<Vec<_>>().as_slice(),
        kinds(new).into_iter().collect::<Vec<_>>().as_slice(),
    ) && before != after
    {
        let message = format!("has values of type {after}, and had {before}");
        let help = "clients that ask for the old type fail: make it a flag with a name of its own";
        found.tell(&TYPE_CHANGED, new.path().member("variants"), message, help);
    }
}

fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "list",
        Json::Object(_) => "object",
    }
}

/// The variants that a flag serves to somebody.
fn served(flag: &LintedFlag) -> Vec<&str> {
    let mut names: Vec<&str> = flag.default.as_str().into_iter().collect();
    for result in results(&flag.targeting) {
        names.extend(result.as_str());
        let shares = operands(result, "fractional").unwrap_or_default();
        names.extend(shares.iter().filter_map(|share| share.get(0)?.as_str()));
    }
    names
}

fn hashing(page: &LintContext, old: &Old, new: &LintedFlag, found: &mut Findings<'_>) {
    let before = splits(&old.flag, old.generation);
    let after = splits(new, page.generation);
    let path = match ["experiment", "rollout"].iter().find(|name| new.written.get(**name).is_some())
    {
        Some(member) => new.path().member(member),
        None => new.targeting_path(),
    };
    if before.is_empty() || after.is_empty() {
        return;
    }
    let units = |splits: &[WrittenSplit<'_>]| {
        splits.iter().map(|split| split.unit.to_string()).collect::<BTreeSet<_>>()
    };
    let (old_units, new_units) = (units(&before), units(&after));
    if old_units.is_disjoint(&new_units) {
        let share =
            before.first().zip(after.first()).map_or(1.0, |(old, new)| dealt_anew(old, new));
        let message = format!(
            "hashes units otherwise than before, so all are dealt anew: about {} get another variant",
            percent(share)
        );
        let help = "keep salt, by and bucketing as they were; write salt: with the old key after \
                    renaming a flag";
        return found.tell(&HASH_CHANGED, path, message, help);
    }
    if before.len() != after.len() {
        return;
    }
    for (old_split, new_split) in before.iter().zip(&after) {
        if old_split.unit != new_split.unit || is_rollout(new, new_split) {
            continue;
        }
        let moves = moves(&old_split.shares, &new_split.shares);
        let all: f64 = moves.values().sum();
        if all > 1e-9 {
            let each = moves
                .iter()
                .map(|((from, to), share)| format!("{} from {from} to {to}", percent(*share)));
            let each = each.collect::<Vec<_>>().join(", ");
            let message = format!("moves {} of its units to another variant: {each}", percent(all));
            let help = "what is measured is measured on mixed groups; raise traffic instead, or \
                        start anew with another salt";
            found.tell(&UNITS_MOVED, path.clone(), message, help);
        }
    }
}
