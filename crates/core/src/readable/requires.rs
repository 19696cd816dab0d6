//! Prerequisites: flags that have to be on before another can be.
//!
//! A rule cannot ask another flag, so it refers to the other's rule, hashed by the other's key.

use super::{
    plan::{Plan, Requirement, Writing},
    prerequisites::Prerequisites,
    rule_text::RuleText,
    variants::Variants,
};
use crate::{
    diagnostic::{
        Diagnostic, Path,
        problems::Problems,
        suggest::{nearest, suggest},
    },
    document::{json::Json, yaml_bool},
    flag::rule::Generation,
    readable::expansion_budget::ExpansionBudget,
};
use std::collections::{BTreeMap, BTreeSet};

/// A flag requires at most so many others, and those that they require.
pub(super) const MOST_WRITTEN_IN: usize = 32;

/// All flags of a file that were understood.
pub(super) type Plans = BTreeMap<String, Plan>;

/// Writes down what a flag requires.
#[derive(Debug)]
pub(super) struct Required<'a> {
    plans: &'a Plans,
    /// Flags that were not understood.
    broken: &'a BTreeSet<String>,
    /// Of those and others, the flags that are killed.
    killed: &'a BTreeSet<String>,
    generation: Generation,
    room: &'a ExpansionBudget,
    written_rules: &'a Prerequisites<'a>,
    above: Vec<&'a str>,
    written: usize,
}

impl<'a> Required<'a> {
    pub(super) fn new(
        plans: &'a Plans,
        (broken, killed): (&'a BTreeSet<String>, &'a BTreeSet<String>),
        generation: Generation,
        room: &'a ExpansionBudget,
        written_rules: &'a Prerequisites<'a>,
    ) -> Self {
        let above = Vec::new();
        Self { plans, broken, killed, generation, room, written_rules, above, written: 0 }
    }

    /// The conditions under which a flag does anything; `None` if they make no sense.
    pub(super) fn of(
        &mut self,
        key: &'a str,
        plan: &'a Plan,
        found: &mut Problems,
    ) -> Option<Vec<RuleText>> {
        let mut told = Vec::new();
        let path = Path::from("flags").member(key).member("requires");
        let conditions = self.conditions(key, plan, |requirement, trouble| {
            let Trouble { message, help, root, .. } = trouble;
            let error = Diagnostic::error(requirement.path(&path), message, help);
            told.push(match root {
                Some(root) => error.because_of(format!("flags.{root}")),
                None => error,
            });
        });
        found.extend(told);
        conditions
    }

    /// The same, with what is to be done of each that makes no sense.
    fn conditions(
        &mut self,
        key: &'a str,
        plan: &'a Plan,
        mut tell: impl FnMut(&Requirement, Trouble<'a>),
    ) -> Option<Vec<RuleText>> {
        if plan.killed {
            return Some(Vec::new());
        }
        self.above.push(key);
        let conditions: Vec<_> = plan
            .requires
            .iter()
            .map(|requirement| {
                let condition = self.condition(requirement);
                condition.map_err(|trouble| tell(requirement, trouble)).ok()
            })
            .collect();
        self.above.pop();
        conditions.into_iter().collect()
    }

    /// That a flag serves a variant.
    fn condition(&mut self, requirement: &Requirement) -> Result<RuleText, Trouble<'a>> {
        let needed = &*requirement.flag;
        let Some((key, plan)) = self.plans.get_key_value(needed) else {
            if self.broken.contains(needed) && self.killed.contains(needed) {
                // What it serves its own definition no longer says, but no longer what was required.
                return Ok(RuleText::truth(false));
            }
            if self.broken.contains(needed) {
                let message = format!("\"{needed}\" has an error of its own");
                let root = Some(needed.to_owned());
                return Err(Trouble { root, ..Trouble::new(message, "mend it there") });
            }
            let keys = self.plans.keys().chain(self.broken).map(String::as_str);
            let help = suggest(
                needed,
                self.room.names(keys),
                "it has to be a flag of this file without errors",
            );
            return Err(Trouble::new(format!("\"{needed}\" is no flag of this file"), help));
        };
        if let Some(begins) = self.above.iter().position(|above| above == key) {
            let circle = self.above.get(begins..).unwrap_or_default().join(" -> ");
            let help = "one of them must not require the next";
            let message = format!("requires itself: {circle} -> {key}");
            return Err(Trouble { circle: Some(key), ..Trouble::new(message, help) });
        }
        let known = self.written_rules.count(key);
        let before = self.written;
        self.written += known.unwrap_or(1);
        if self.written > MOST_WRITTEN_IN {
            let message = format!("requires more than {MOST_WRITTEN_IN} flags, theirs included");
            return Err(Trouble::new(message, "let flags require fewer others"));
        }
        let names = || plan.variants.names();
        let wanted = requirement.variant.as_deref();
        let Some(variant) = yaml_bool::called(wanted.unwrap_or("true"), names()) else {
            let near = wanted.and_then(|of| nearest(of, self.room.names(names())));
            let message = match wanted {
                None => format!("\"{key}\" has no variant \"on\""),
                Some(_) => format!("names no variant of \"{key}\""),
            };
            let known = names().collect::<Vec<_>>().join(", ");
            let help = match near {
                Some(near) => format!("did you mean requires: {{ {key}: {near} }}?"),
                None => format!("write requires: {{ {key}: VARIANT }}; it has {known}"),
            };
            return Err(Trouble::new(message, help));
        };
        if plan.disabled && !plan.killed {
            // Its clients use what is in their code, which nobody here knows.
            return Ok(RuleText::truth(false));
        }
        if known.is_none() {
            self.write(key, plan, before)?;
        }
        let is_otherwise = variant == plan.otherwise;
        let others = is_otherwise.then_some(|| plan.variants.others(variant));
        let condition = self.written_rules.condition(key, variant, others);
        Ok(condition.unwrap_or_else(|| RuleText::truth(false)))
    }

    /// Writes the rule of a flag for all that require it.
    fn write(&mut self, key: &'a str, plan: &'a Plan, before: usize) -> Result<(), Trouble<'a>> {
        if let Some(refusal) = plan.inline.as_ref().and_then(|(_, refusal)| *refusal) {
            return Err(Trouble { root: Some(key.to_owned()), ..refusal.of_flag(key) });
        }
        let outermost = self.above.first().copied();
        let mut first = None;
        let required = self.conditions(key, plan, |_, trouble| {
            first.get_or_insert(trouble);
        });
        let required = required.ok_or_else(|| match first {
            // The whole circle is told to each flag in it.
            Some(trouble) if trouble.circle.is_some() && trouble.circle == outermost => trouble,
            trouble => {
                let message = format!("\"{key}\" has an error in what it requires itself");
                let root = trouble.and_then(|trouble| trouble.root);
                let root = root.or_else(|| Some(key.to_owned()));
                Trouble { root, ..Trouble::new(message, "mend it there") }
            }
        })?;
        let writing = Writing { key, generation: self.generation, elsewhere: true };
        let count = self.written - before;
        self.written_rules.write(key, count, plan.targeting(writing, &required));
        Ok(())
    }
}

/// Why a flag cannot be required.
#[derive(Debug)]
struct Trouble<'a> {
    message: String,
    help: String,
    /// The flag that requires itself.
    circle: Option<&'a str>,
    /// The flag whose own error this comes from.
    root: Option<String>,
}

impl Trouble<'_> {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into(), circle: None, root: None }
    }
}

/// Why a flag with a targeting of its own cannot be required.
#[derive(Debug, Clone, Copy)]
pub(super) enum RequirementRefusal {
    Results,
    Split,
}

impl RequirementRefusal {
    /// Why a flag with these variants and this rule cannot be required, if it cannot.
    pub(super) fn of(variants: &Variants, rule: Json<'_>) -> Option<Self> {
        match (names_variants(rule, variants), hashes_its_key(rule)) {
            (false, _) => Some(Self::Results),
            (true, true) => Some(Self::Split),
            (true, false) => None,
        }
    }

    fn of_flag<'a>(self, key: &str) -> Trouble<'a> {
        match self {
            Self::Results => Trouble::new(
                format!("\"{key}\" has a targeting of its own whose results are not all names"),
                "let it end in names of variants, or write it in the readable form",
            ),
            Self::Split => Trouble::new(
                format!("\"{key}\" splits units by its key in a targeting of its own"),
                "write its split as a rollout or an experiment",
            ),
        }
    }
}

/// Whether a rule that was written as such gives names of variants alone, or nothing.
fn names_variants(rule: Json<'_>, variants: &Variants) -> bool {
    match rule {
        Json::Null => true,
        Json::String(name) => {
            let name = name.get();
            variants.names().any(|known| *known == *name)
        }
        Json::Object(members) => match members.only() {
            Some((operator, Json::Array(clauses))) if operator == "if" => {
                let count = clauses.len();
                let results = clauses.iter().enumerate();
                let mut results = results.filter(|(at, _)| at % 2 == 1 || at + 1 == count);
                results.all(|(_, result)| names_variants(result, variants))
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether a rule would hash, or name, another key inside another flag.
fn hashes_its_key(rule: Json<'_>) -> bool {
    match rule {
        Json::Array(parts) => parts.iter().any(hashes_its_key),
        Json::Object(members) => {
            members.written().any(|(name, part)| name.is("fractional") || hashes_its_key(part))
        }
        Json::String(text) => text.is("$flagd.flagKey"),
        _ => false,
    }
}
