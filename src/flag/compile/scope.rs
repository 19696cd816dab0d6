//! What the flags of one file share: evaluators, metadata and the fractional generation.

use super::{digest, json};
use crate::flag::{
    Digest, Generation,
    diagnostic::{Diagnostic, Level, Path},
    document::Document,
    text::Text,
};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// What flags of one file share.
#[derive(Debug)]
pub(super) struct FileScope {
    evaluators: BTreeMap<String, Json>,
    metadata: Map<String, Json>,
    generation: Generation,
    is_pinned: bool,
    digest: Digest,
}

impl FileScope {
    pub(super) fn read(
        document: &Document<'_>,
        text: &Text<'_>,
        fallback: Generation,
        found: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut evaluators = BTreeMap::new();
        let path = Path::from("$evaluators");
        for (name, rule) in &document.evaluators.0 {
            match json::read(rule, &path.member(name), found) {
                Ok(rule) => {
                    evaluators.insert(name.clone().into_owned(), rule);
                }
                // It is missing then, which the flags that refer to it are told.
                Err(error) => found.push(Diagnostic { level: Level::Warning, ..error }),
            }
            let start = text.offset_of(rule.get());
            for fault in text.faults(start..start + rule.get().len()) {
                let fault = fault.diagnostic(&path.member(name), start);
                found.push(Diagnostic { level: Level::Warning, ..fault });
                evaluators.remove(&**name);
            }
        }
        let path = Path::from("metadata");
        let metadata = document.metadata.map(|raw| json::read(raw, &path, found));
        let mut metadata = match metadata {
            None | Some(Ok(Json::Null)) => Map::new(),
            Some(Ok(Json::Object(metadata))) => metadata,
            Some(Ok(_) | Err(_)) => {
                let help = "make it an object of strings, numbers and booleans";
                found.push(Diagnostic::warning("metadata", "is not an object", help));
                Map::new()
            }
        };
        // The generation configures the file, so it is no metadata of an answer.
        let pinned = metadata.remove("fractional");
        let generation = match &pinned {
            None => fallback,
            Some(Json::String(name)) if name == "v2" => Generation::V2,
            Some(Json::String(name)) if name == "v3" => Generation::V3,
            Some(_) => {
                let message = "is no generation of \"fractional\", so it is ignored";
                let help = "write \"v2\" or \"v3\"";
                found.push(Diagnostic::warning(path.member("fractional"), message, help));
                fallback
            }
        };
        for (name, value) in &metadata {
            found.extend(not_flat(&path, name, value));
        }
        let shared = serde_json::to_vec(&(&evaluators, &metadata)).unwrap_or_default();
        let digest = digest([&[generation as u8], shared.as_slice()]);
        Self { evaluators, metadata, generation, is_pinned: pinned.is_some(), digest }
    }

    /// Rules by the name that `$ref` refers to them by.
    pub(super) fn evaluators(&self) -> &BTreeMap<String, Json> {
        &self.evaluators
    }

    /// Metadata that every flag has, unless it says otherwise.
    pub(super) fn metadata(&self) -> &Map<String, Json> {
        &self.metadata
    }

    pub(super) fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether the file says which generation it is for.
    pub(super) fn is_pinned(&self) -> bool {
        self.is_pinned
    }

    /// Of all that a flag of the file depends on beside its own text.
    pub(super) fn digest(&self) -> &[u8] {
        &self.digest
    }
}

/// The warning of metadata that is no scalar.
pub(super) fn not_flat(path: &Path, name: &str, value: &Json) -> Option<Diagnostic> {
    let help = "in-process clients refuse it; keep metadata flat";
    let message = "is not a string, number or boolean";
    (value.is_object() || value.is_array())
        .then(|| Diagnostic::warning(path.member(name), message, help))
}
