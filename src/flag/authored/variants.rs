//! The variants of a flag, and what names them: `on`, `true` and `yes` are one.

use super::{node::Node, synonyms, words};
use crate::flag::{problems::Problems, suggest::suggest};
use serde_json::{Map, Value as Json, json};

/// The variants of a flag by name.
#[derive(Debug)]
pub(super) struct Variants(Map<String, Json>);

/// The variant of an experiment's outside: its own name, so that nobody counts it as control.
const OUTSIDE: &str = "outside";

impl Variants {
    /// Those that are written, or `on` and `off`.
    pub(super) fn read(node: Option<&Node<'_>>, found: &mut Problems) -> Option<Self> {
        let Some(node) = node else {
            let Json::Object(switch) = json!({"off": false, "on": true}) else { return None };
            return Some(Self(switch));
        };
        match node.value {
            Json::Object(variants) if !variants.is_empty() => {
                let kind = std::mem::discriminant;
                let first = variants.values().next().map(kind);
                if variants.values().any(|value| Some(kind(value)) != first) {
                    let help = "give every variant of a flag the same type";
                    found.push(node.error("mixes types", help));
                }
                Some(Self(variants.clone()))
            }
            _ => {
                let help = "write variants by name, such as { short: two-step, long: classic }";
                found.push(node.error("is no mapping of variants", help));
                None
            }
        }
    }

    /// The variant that a value names.
    pub(super) fn named(&self, node: &Node<'_>, found: &mut Problems) -> Option<String> {
        let names = || self.0.keys().map(String::as_str);
        let named = words::named(node.value, names());
        if named.is_none() {
            let written = match node.value {
                Json::String(text) => text.clone(),
                value => value.to_string(),
            };
            let known = names().collect::<Vec<_>>().join(", ");
            let meant = synonyms::truth(&written).and_then(|truth| self.meaning(truth));
            let help = meant.map_or_else(
                || suggest(&written, names(), &format!("the variants are {known}")),
                |meant| format!("did you mean \"{meant}\"?"),
            );
            found.push(node.error(format!("\"{written}\" is no variant"), help));
        }
        named.map(str::to_owned)
    }

    /// The variant that means on, or off, if there is exactly one.
    pub(super) fn meaning(&self, truth: bool) -> Option<String> {
        words::named(&Json::Bool(truth), self.0.keys().map(String::as_str)).map(str::to_owned)
    }

    /// Adds the variant for units outside an experiment, which has the value of another.
    pub(super) fn add_outside(
        &mut self,
        like: &str,
        node: &Node<'_>,
        found: &mut Problems,
    ) -> Option<String> {
        if like == OUTSIDE {
            return Some(OUTSIDE.to_owned());
        }
        if self.0.contains_key(OUTSIDE) {
            let help = "write outside: outside, or rename the variant";
            found.push(node.error("there is a variant \"outside\" already", help));
            return None;
        }
        let value = self.0.get(like)?.clone();
        self.0.insert(OUTSIDE.to_owned(), value);
        Some(OUTSIDE.to_owned())
    }

    /// Every name but one.
    pub(super) fn others(&self, name: &str) -> Vec<&str> {
        self.0.keys().map(String::as_str).filter(|other| *other != name).collect()
    }

    pub(super) fn as_json(&self) -> &Map<String, Json> {
        &self.0
    }
}
