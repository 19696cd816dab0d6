//! The variants of a flag, and what names them: `on`, `true` and `yes` are one.

use super::{node::Node, rule_text::RuleText};
use crate::{
    diagnostic::{Diagnostic, Path, problems::Problems, suggest::suggest},
    document::{
        json::{Indexed, Json},
        synonyms, yaml_bool,
    },
};
use std::mem::discriminant;

/// The variants of a flag by name.
#[derive(Debug)]
pub(super) struct Variants {
    /// In their order.
    names: Vec<Box<str>>,
    /// As an object.
    json: String,
}

/// The variant of an experiment's outside: its own name, so that nobody counts it as control.
const OUTSIDE: &str = "outside";

impl Variants {
    /// Those that are written, or `on` and `off`.
    pub(super) fn read(node: Option<&Node<'_>>, found: &mut Problems) -> Option<Self> {
        let Some(node) = node else {
            let names = vec!["off".into(), "on".into()];
            return Some(Self { names, json: "{\"off\":false,\"on\":true}".to_owned() });
        };
        match node.value {
            Json::Object(variants) if !variants.is_empty() => {
                let mut kinds = variants.written().map(|(_, value)| discriminant(&value));
                let first = kinds.next();
                if kinds.any(|kind| Some(kind) != first) {
                    let help = "give every variant of a flag the same type";
                    found.push(node.error("mixes types", help));
                }
                let names = variants.members().map(|(name, _)| name.into()).collect();
                Some(Self { names, json: RuleText::of(node.value).into_text().into() })
            }
            _ => {
                let help = "write variants by name, such as { short: two-step, long: classic }";
                found.push(node.error("is no mapping of variants", help));
                None
            }
        }
    }

    /// The names, in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.names.iter().map(|name| &**name)
    }

    /// The variant that a value names.
    pub(super) fn named(&self, node: &Node<'_>, found: &mut Problems) -> Option<String> {
        self.named_but(node, None, found)
    }

    /// The same, without a hint to the variant that was not meant.
    pub(super) fn named_but(
        &self,
        node: &Node<'_>,
        other: Option<&str>,
        found: &mut Problems,
    ) -> Option<String> {
        let named = yaml_bool::named(node.value, self.names());
        if named.is_none() {
            let written = node.value.as_str().unwrap_or_else(|| node.value.to_canonical().into());
            self.refuse(&written, other, node.path.clone(), found);
        }
        named.map(str::to_owned)
    }

    /// The variant that a name means which stands at a path.
    pub(super) fn called(&self, name: &str, path: Path, found: &mut Problems) -> Option<String> {
        let called = yaml_bool::called(name, self.names());
        if called.is_none() {
            self.refuse(name, None, path, found);
        }
        called.map(str::to_owned)
    }

    fn refuse(&self, written: &str, other: Option<&str>, path: Path, found: &mut Problems) {
        let names: Vec<&str> = self.names().filter(|name| Some(*name) != other).collect();
        let known = match (names.is_empty(), other) {
            (true, _) => "add the variant that is safe".to_owned(),
            (_, None) => format!("the variants are {}", names.join(", ")),
            (_, Some(_)) => format!("write the variant that is safe, of {}", names.join(", ")),
        };
        let meant = synonyms::truth(written).and_then(|truth| self.meaning(truth));
        let meant = meant.filter(|meant| names.contains(&&**meant));
        let help = meant.map_or_else(
            || suggest(written, names.iter().copied(), &known),
            |meant| format!("did you mean \"{meant}\"?"),
        );
        found.push(Diagnostic::error(path, format!("\"{written}\" is no variant"), help));
    }

    /// The variant that means on, or off, if there is exactly one.
    pub(super) fn meaning(&self, truth: bool) -> Option<String> {
        yaml_bool::named(Json::Bool(truth), self.names()).map(str::to_owned)
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
        let known = self.names.binary_search_by(|name| (**name).cmp(OUTSIDE));
        let Err(place) = known else {
            let help = "write outside: outside, or rename the variant";
            found.push(node.error("there is a variant \"outside\" already", help));
            return None;
        };
        let value = {
            let written = Indexed::new(&self.json)?;
            RuleText::of(written.value().get(like)?)
        };
        self.names.insert(place, OUTSIDE.into());
        // The value is added before the bracket that closes the object.
        self.json.pop();
        put_member(&mut self.json, OUTSIDE, value.as_str());
        self.json.push('}');
        Some(OUTSIDE.to_owned())
    }

    /// Every name but one.
    pub(super) fn others(&self, name: &str) -> Vec<RuleText> {
        self.names().filter(|other| *other != name).map(RuleText::text).collect()
    }

    /// The variants with their values, as an object.
    pub(super) fn as_json(&self) -> &str {
        &self.json
    }
}

/// Writes a member of an object.
pub(super) fn put_member(out: &mut String, name: &str, value: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    out.push_str(RuleText::text(name).as_str());
    out.push(':');
    out.push_str(value);
}
