//! Prerequisites: flags that have to be on before another can be.
//!
//! A rule cannot ask another flag, so the other's rule is written into it, hashed by its own key.

use super::{
    plan::{Plan, Writing},
    words,
};
use crate::flag::{Generation, diagnostic::Diagnostic, problems::Problems, suggest::suggest};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// So many rules of others are written into one.
const MOST_WRITTEN_IN: usize = 32;

/// All flags of a file that were understood.
pub(super) type Plans = BTreeMap<String, Plan>;

/// Writes down what a flag requires.
#[derive(Debug)]
pub(super) struct Required<'a> {
    plans: &'a Plans,
    generation: Generation,
    above: Vec<&'a str>,
    written: usize,
}

impl<'a> Required<'a> {
    pub(super) fn new(plans: &'a Plans, generation: Generation) -> Self {
        Self { plans, generation, above: Vec::new(), written: 0 }
    }

    /// The conditions under which a flag does anything; `None` if they make no sense.
    pub(super) fn of(
        &mut self,
        key: &'a str,
        plan: &'a Plan,
        found: &mut Problems,
    ) -> Option<Vec<Json>> {
        if plan.killed {
            return Some(Vec::new());
        }
        self.above.push(key);
        let conditions = plan.requires.iter().map(|(needed, variant, wrong)| {
            let told = |message: String, help: Option<String>| Diagnostic {
                message,
                help: help.unwrap_or_else(|| wrong.help.clone()),
                ..wrong.clone()
            };
            self.condition(needed, variant.as_ref(), found)
                .map_err(|(message, help)| found.push(told(message, help)))
                .ok()
        });
        let conditions = conditions.collect();
        self.above.pop();
        conditions
    }

    /// That a flag serves a variant.
    fn condition(
        &mut self,
        needed: &str,
        variant: Option<&Json>,
        found: &mut Problems,
    ) -> Result<Json, (String, Option<String>)> {
        let Some((key, plan)) = self.plans.get_key_value(needed) else {
            let keys = self.plans.keys().map(String::as_str);
            let help = suggest(needed, keys, "it has to be a flag of this file without errors");
            return Err((format!("\"{needed}\" is no flag of this file"), Some(help)));
        };
        if let Some(begins) = self.above.iter().position(|above| above == key) {
            let circle = self.above.get(begins..).unwrap_or_default().join(" -> ");
            let help = "one of them must not require the next".to_owned();
            return Err((format!("requires itself: {circle} -> {key}"), Some(help)));
        }
        self.written += 1;
        if self.written > MOST_WRITTEN_IN {
            let help = "let flags require fewer others".to_owned();
            let message = format!("requires more than {MOST_WRITTEN_IN} flags, theirs included");
            return Err((message, Some(help)));
        }
        let names = || plan.variants.as_json().keys().map(String::as_str);
        let variant = words::named(variant.unwrap_or(&Json::Bool(true)), names());
        let Some(variant) = variant else {
            let known = names().collect::<Vec<_>>().join(", ");
            let help = format!("write requires: {{ {key}: VARIANT }}; it has {known}");
            return Err((format!("names no variant of \"{key}\""), Some(help)));
        };
        if plan.disabled {
            // Its clients use what is in their code, which nobody here knows.
            return Ok(Json::Bool(false));
        }
        if let Some(inline) = &plan.inline
            && hashes_its_key(inline)
        {
            let help = "write its split as a rollout or an experiment".to_owned();
            let message =
                format!("\"{key}\" has a targeting of its own that splits units by its key");
            return Err((message, Some(help)));
        }
        let required = self.of(key, plan, found).ok_or_else(|| {
            (format!("\"{key}\" requires what makes no sense"), Some("mend it first".to_owned()))
        })?;
        let writing = Writing { key, generation: self.generation, elsewhere: true };
        let is_otherwise = variant == plan.otherwise;
        Ok(match plan.targeting(writing, required) {
            None => Json::Bool(is_otherwise),
            Some(Json::String(everybody)) => Json::Bool(everybody == variant),
            // Nothing is otherwise too.
            Some(rule) if is_otherwise => {
                json!({"!": [{"in": [rule, plan.variants.others(variant)]}]})
            }
            Some(rule) => json!({"==": [rule, variant]}),
        })
    }
}

/// Whether a rule would hash, or name, another key inside another flag.
fn hashes_its_key(rule: &Json) -> bool {
    match rule {
        Json::Array(parts) => parts.iter().any(hashes_its_key),
        Json::Object(members) => {
            members.iter().any(|(name, part)| name == "fractional" || hashes_its_key(part))
        }
        Json::String(text) => text == "$flagd.flagKey",
        _ => false,
    }
}
