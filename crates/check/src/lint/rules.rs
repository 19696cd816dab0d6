//! Rules that nobody can follow, and rules that do nothing.

use super::{
    findings::Findings,
    implies::Logic,
    logic::{Clause, attribute, clauses, moment, operation},
    table::{DEAD_RULE, DEEP_RULE, MANY_RULES, REPEATED_CONDITION},
};
use crate::lint::context::{LintContext, LintedFlag};
use flagstaff_core::diagnostic::Path;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn look(page: &LintContext, found: &mut Findings<'_>) {
    let mut logic = Logic::new(&page.evaluators);
    for flag in &page.flags {
        let rules = own_rules(page, flag);
        count(page, flag, &rules, found);
        nesting(page, flag, &rules, found);
        dead(page, &rules, &mut logic, found);
    }
    for (name, rule) in &page.evaluators {
        let path = Path::from("$evaluators").member(name);
        deep(page, path, depth(rule), found);
    }
    repeated(page, found);
}

/// The rules that the author wrote: in the readable form neither times nor prerequisites are.
fn own_rules<'a>(page: &'a LintContext, flag: &'a LintedFlag) -> Vec<Clause<'a>> {
    let (chain, path) = page.chain(flag);
    let (clauses, _) = clauses(chain, path);
    if page.shape(&flag.key).is_none() {
        return clauses;
    }
    match flag.written.get("rules").and_then(Json::as_array) {
        Some(rules) => clauses.into_iter().take(rules.len()).collect(),
        // A rule that was written as such, or none.
        None if flag.written.get("targeting").is_some() => clauses,
        None => Vec::new(),
    }
}

fn count(page: &LintContext, flag: &LintedFlag, rules: &[Clause<'_>], found: &mut Findings<'_>) {
    let most = page.settings().max_rules;
    // The steps of a rollout are one rule.
    let count = rules.iter().filter(|rule| moment(rule.condition).is_none()).count();
    if let Some(first) = rules.get(most).filter(|_| count > most) {
        let message = format!("has {count} rules, more than {most}");
        let help = "join rules that serve the same, name conditions once for several flags, or \
                    let another flag decide a part";
        let path = if page.is_readable { flag.path().member("rules") } else { first.path.clone() };
        found.tell(&MANY_RULES, path, message, help);
    }
}

fn nesting(page: &LintContext, flag: &LintedFlag, rules: &[Clause<'_>], found: &mut Findings<'_>) {
    let written = flag.written.get("rules").and_then(Json::as_array);
    if let Some(written) = written {
        let path = flag.path().member("rules");
        for (place, rule) in written.iter().enumerate() {
            let depth = rule.get("if").map_or(0, written_depth);
            deep(page, path.place(place).member("if"), depth, found);
        }
        return;
    }
    for rule in rules {
        deep(page, rule.path.clone(), depth(rule.condition), found);
    }
}

fn deep(page: &LintContext, path: Path, depth: usize, found: &mut Findings<'_>) {
    let most = page.settings().max_nesting;
    if depth > most {
        let message = format!("nests {depth} deep, more than {most}");
        let help = match page.is_readable {
            true => "name a part of it in segments, or write it as two rules",
            false => "name a part of it in $evaluators, or write it as two rules",
        };
        found.tell(&DEEP_RULE, path, message, help);
    }
}

/// How many times one has to think "and", "or" or "if" inside of another.
fn depth(rule: &Json) -> usize {
    let Some((operator, operands)) = operation(rule) else { return 0 };
    let inside = operands.iter().map(depth).max().unwrap_or_default();
    inside + usize::from(matches!(operator, "and" | "or" | "if" | "?:"))
}

/// The same of a condition in the readable form.
fn written_depth(condition: &Json) -> usize {
    match condition {
        Json::Array(all) => {
            let inside = all.iter().map(written_depth).max().unwrap_or_default();
            inside + usize::from(all.len() > 1)
        }
        Json::Object(members) => {
            let inside = members.iter().map(|(name, member)| match (name.as_str(), member) {
                ("any" | "all" | "not", member) => written_depth(member),
                _ => 0,
            });
            inside.max().unwrap_or_default() + usize::from(members.len() > 1)
        }
        _ => 0,
    }
}

/// Rules that nobody is left for, or that contradict themselves.
fn dead(page: &LintContext, rules: &[Clause<'_>], logic: &mut Logic<'_>, found: &mut Findings<'_>) {
    for (place, rule) in rules.iter().enumerate() {
        if found.is_full() || logic.is_tired() {
            return;
        }
        let before = || rules.iter().take(place).map(|earlier| earlier.condition);
        if logic.is_never(rule.condition) {
            let help = "nobody can match all of it; remove the rule or mend the condition";
            found.tell(&DEAD_RULE, &rule.path, "can never match: it contradicts itself", help);
        } else if let Some(earlier) = rules
            .iter()
            .take(place)
            .find(|earlier| logic.implies(rule.condition, earlier.condition))
        {
            let earlier = page.authored(&earlier.path);
            let message = format!("can never match: {earlier} takes everybody it is for");
            let help = "the first rule that matches counts: put this one before it, or remove it";
            found.tell(&DEAD_RULE, &rule.path, message, help);
        } else if place > 1 && logic.implies_any(rule.condition, &before().collect::<Vec<_>>()) {
            let message = "can never match: the rules before it take everybody it is for";
            let help = "the first rule that matches counts: put this one first, or remove it";
            found.tell(&DEAD_RULE, &rule.path, message, help);
        }
    }
}

/// Conditions that stand in several flags.
fn repeated(page: &LintContext, found: &mut Findings<'_>) {
    let most = page.settings().max_repeats;
    let mut told: BTreeSet<String> = BTreeSet::new();
    for is_whole in [true, false] {
        let mut seen: BTreeMap<String, Vec<(&str, Path)>> = BTreeMap::new();
        for flag in &page.flags {
            for rule in own_rules(page, flag) {
                let whole = rule.condition.to_string();
                if is_whole {
                    note(&mut seen, flag, rule.condition, &whole, &rule.path);
                } else if !told.contains(&whole)
                    && let Some(("and" | "or", parts)) = operation(rule.condition)
                {
                    for part in parts {
                        note(&mut seen, flag, part, &part.to_string(), &rule.path);
                    }
                }
            }
        }
        for (condition, places) in seen {
            let [(_, first), .., (last, _)] = places.as_slice() else { continue };
            if places.len() <= most || told.contains(&condition) {
                continue;
            }
            let others = places.len() - 1;
            let message = format!("is a condition of {} flags, up to \"{last}\"", others + 1);
            let help = match page.is_readable {
                true => "give it a name under segments, and write the name in the flags",
                false => {
                    "give it a name under $evaluators, and write {\"$ref\": NAME} in the flags"
                }
            };
            found.tell(&REPEATED_CONDITION, first, message, help);
            told.insert(condition);
        }
    }
}

/// Notes a condition of a flag that a name would be of use for.
fn note<'a>(
    seen: &mut BTreeMap<String, Vec<(&'a str, Path)>>,
    flag: &'a LintedFlag,
    condition: &Json,
    text: &str,
    path: &Path,
) {
    let is_worth = match operation(condition) {
        None | Some(("$ref" | "var" | "fractional", _)) => false,
        Some(("!" | "!!", [inner])) => !matches!(operation(inner), Some(("$ref" | "var", _))),
        Some(_) => moment(condition).is_none() && asks_the_user(condition),
    };
    if is_worth {
        let places = seen.entry(text.to_owned()).or_default();
        if places.last().is_none_or(|(key, _)| *key != flag.key) {
            places.push((&flag.key, path.clone()));
        }
    }
}

/// Whether a condition is about attributes alone.
fn asks_the_user(condition: &Json) -> bool {
    match operation(condition) {
        Some(("fractional", _)) => false,
        Some(_) if attribute(condition).is_some_and(|name| name.starts_with("$flagd")) => false,
        Some((_, operands)) => operands.iter().all(asks_the_user),
        None => true,
    }
}
