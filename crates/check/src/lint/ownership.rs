//! Who answers for a flag, what it is, and why it is there.

use super::{
    findings::Findings,
    naming::words,
    table::{MISSING_KIND, MISSING_OWNER, MISSING_WHY, SEVERAL_OWNERS, UNKNOWN_KIND, VAGUE_WHY},
};
use crate::lint::context::{LintContext, LintedFlag};
use flagstaff_core::diagnostic::suggest::suggest;
use std::collections::BTreeSet;

/// The kinds of flags.
const KINDS: [&str; 4] = ["release", "experiment", "ops", "permission"];

pub(super) fn look(page: &LintContext, found: &mut Findings<'_>) {
    for flag in &page.flags {
        owner(page, flag, found);
        kind(page, flag, found);
        why(page, flag, found);
    }
}

/// How to say a fact in the form of the file.
fn how(page: &LintContext, fact: &str, value: &str) -> String {
    match page.is_readable {
        true => format!("write {fact}: {value}"),
        false => format!("write \"metadata\": {{\"{fact}\": \"{value}\"}}"),
    }
}

fn owner(page: &LintContext, flag: &LintedFlag, found: &mut Findings<'_>) {
    let Some(owner) = page.fact(flag, "owner") else {
        let help = how(page, "owner", "team-checkout");
        return found.tell(&MISSING_OWNER, flag.path(), "has no owner", help);
    };
    let separators = [",", ";", "&", "+", " and ", " or ", " und "];
    if separators.iter().any(|separator| owner.contains(separator)) {
        let help = "name the one who is asked and decides; the others stand in why or ticket";
        let message = format!("has more than one owner: {owner}");
        found.tell(&SEVERAL_OWNERS, flag.path_of("owner"), message, help);
    }
}

fn kind(page: &LintContext, flag: &LintedFlag, found: &mut Findings<'_>) {
    let Some(kind) = page.fact(flag, "kind") else {
        let help = format!("{}, experiment, ops or permission", how(page, "kind", "release"));
        return found.tell(&MISSING_KIND, flag.path(), "has no kind", help);
    };
    if !KINDS.contains(&kind.as_str()) {
        let help = suggest(&kind, KINDS, "write release, experiment, ops or permission");
        let message = format!("\"{kind}\" is no kind of flag");
        found.tell(&UNKNOWN_KIND, flag.path_of("kind"), message, help);
    }
}

fn why(page: &LintContext, flag: &LintedFlag, found: &mut Findings<'_>) {
    let Some(why) = page.fact(flag, "why") else {
        let help = how(page, "why", "what it should achieve, and what ends it");
        return found.tell(&MISSING_WHY, flag.path(), "does not say why it is there", help);
    };
    let path = flag.path_of("why");
    let help = "say what it should achieve, or what breaks without it";
    let least = page.settings().min_why_length;
    let length = why.chars().count();
    if repeats(&flag.key, &why) {
        found.tell(&VAGUE_WHY, path, "says no more than the flag's name", help);
    } else if length < least {
        let message = format!("says why in {length} characters; at least {least} are wanted");
        found.tell(&VAGUE_WHY, path, message, help);
    }
}

/// Words that say nothing of their own beside a flag's name.
const FILLERS: [&str; 33] = [
    "a",
    "an",
    "and",
    "by",
    "can",
    "control",
    "controls",
    "enable",
    "enabled",
    "enables",
    "experiment",
    "feature",
    "flag",
    "flags",
    "for",
    "in",
    "is",
    "it",
    "new",
    "of",
    "on",
    "or",
    "release",
    "show",
    "shows",
    "switch",
    "the",
    "this",
    "to",
    "toggle",
    "turns",
    "whether",
    "with",
];

/// Whether a reason has no word that is not in the name.
fn repeats(key: &str, why: &str) -> bool {
    let named: BTreeSet<String> = words(key).iter().map(|word| stem(word)).collect();
    let mut said = words(why).into_iter().filter(|word| !FILLERS.contains(&word.as_str()));
    said.all(|word| named.contains(&stem(&word)))
}

/// A word without its ending, roughly.
fn stem(word: &str) -> String {
    let endings = ["ing", "es", "ed", "e", "s"];
    let cut = endings.iter().find_map(|ending| word.strip_suffix(ending));
    cut.filter(|stem| stem.len() > 2).unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_more_than_the_name() {
        for (key, why, is_repeated) in [
            ("enable_new_pricing_page", "Enables the new pricing page.", true),
            ("enable_new_pricing_page", "Flag for pricing pages", true),
            ("enable_new_pricing_page", "The new page should lift upgrades.", false),
            ("card_payments", "the payments flag", true),
            ("card_payments", "", true),
            ("zahlung", "Überweisung", false),
        ] {
            assert_eq!(repeats(key, why), is_repeated, "{why}");
        }
    }
}
