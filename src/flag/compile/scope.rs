//! What the flags of one file share: evaluators, metadata and the fractional generation.

use super::{
    digest,
    evaluators::{Compiled, Evaluators, Texts},
    interned::Interned,
    json,
};
use crate::flag::{
    Digest, Generation,
    diagnostic::{Diagnostic, Level, Path},
    document::Document,
    encoded::encode_object,
    members::Members,
    problems::Problems,
    text::Text,
};
use serde_json::{Map, Value as Json, value::RawValue};
use std::{cell::Cell, collections::BTreeSet, sync::Arc};

/// Results of rules that are compared with variants: those of an evaluator once for each flag.
const MOST_RESULTS: usize = 2_000_000;

/// What flags of one file share.
#[derive(Debug)]
pub(super) struct FileScope {
    evaluators: Evaluators,
    /// Results of rules that may still be compared with the variants of their flags.
    results: Cell<usize>,
    /// Names whose evaluators are written, but cannot be read.
    unreadable: BTreeSet<String>,
    /// None of them can be.
    all_unreadable: bool,
    metadata: Map<String, Json>,
    /// The metadata, encoded, for flags that have none of their own.
    encoded_metadata: Arc<[u8]>,
    interned: Interned,
    generation: Generation,
    is_pinned: bool,
    digest: Digest,
}

impl FileScope {
    pub(super) fn read(
        document: &Document<'_>,
        text: &Text<'_>,
        fallback: Generation,
        compiled: &Compiled,
        found: &mut Problems,
    ) -> Self {
        let mut evaluators = Texts::default();
        let mut unreadable = BTreeSet::new();
        let path = Path::from("$evaluators");
        for (name, raw) in document.evaluators.iter().flat_map(|evaluators| &evaluators.0) {
            match member(raw, text, &path.member(name), found) {
                Some(rule) => evaluators.add(name, raw.get(), rule),
                // Who refers to it is not told once more.
                None => drop(unreadable.insert(name.clone().into_owned())),
            }
        }
        let path = Path::from("metadata");
        let written = document.metadata.filter(|raw| raw.get() != "null").map(|raw| {
            let help = "make it an object of strings, numbers and booleans";
            Members::read(raw, Diagnostic::error(&path, "is not an object", help))
        });
        let written = written.transpose().unwrap_or_else(|error| {
            found.push(Diagnostic { level: Level::Warning, ..error });
            None
        });
        let mut metadata = Map::new();
        if let Some(written) = &written {
            written.warn_of_duplicates(&path, &[], found);
            for (name, raw) in &written.0 {
                if let Some(value) = member(raw, text, &path.member(name), found) {
                    metadata.insert(name.clone().into_owned(), value);
                }
            }
        }
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
        let written = serde_json::to_vec(&metadata).unwrap_or_default();
        let generation_byte = [generation as u8];
        let own = [generation_byte.as_slice(), written.as_slice()];
        let digest = digest(own.into_iter().chain(evaluators.digests()));
        let is_pinned = pinned.is_some();
        let all_unreadable = document.evaluators.is_none();
        let results = Cell::new(MOST_RESULTS);
        let evaluators = Evaluators::new(evaluators, digest, compiled);
        Self {
            evaluators,
            results,
            unreadable,
            all_unreadable,
            encoded_metadata: encode_metadata(&metadata).into(),
            interned: Interned::default(),
            metadata,
            generation,
            is_pinned,
            digest,
        }
    }

    /// Whether an evaluator is written, but cannot be read; its author was told.
    pub(super) fn is_unreadable(&self, evaluator: &str) -> bool {
        self.all_unreadable || self.unreadable.contains(evaluator)
    }

    /// The evaluators of the file.
    pub(super) fn evaluators(&self) -> &Evaluators {
        &self.evaluators
    }

    /// Whether there is time to look at one more result.
    pub(super) fn may_look_at_result(&self) -> bool {
        let left = self.results.get().checked_sub(1);
        self.results.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Those of them that flags refer to.
    pub(super) fn into_compiled(self) -> Compiled {
        self.evaluators.into_compiled()
    }

    /// Metadata that every flag has, unless it says otherwise.
    pub(super) fn metadata(&self) -> &Map<String, Json> {
        &self.metadata
    }

    /// The same encoded.
    pub(super) fn encoded_metadata(&self) -> &Arc<[u8]> {
        &self.encoded_metadata
    }

    /// Parts that many flags repeat.
    pub(super) fn interned(&self) -> &Interned {
        &self.interned
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

/// A value that flags share; if it cannot be read it is missing, and its author is told.
fn member(raw: &RawValue, text: &Text<'_>, path: &Path, found: &mut Problems) -> Option<Json> {
    let start = text.offset_of(raw.get());
    let faults = text.faults(start..start + raw.get().len());
    let problems = faults.iter().map(|fault| fault.diagnostic(path, start));
    found.extend(problems.map(|fault| Diagnostic { level: Level::Warning, ..fault }));
    match json::read(raw, path, found) {
        Ok(value) => faults.is_empty().then_some(value),
        Err(error) => {
            found.push(Diagnostic { level: Level::Warning, ..error });
            None
        }
    }
}

/// Metadata as flags have it; null values are dropped.
pub(super) fn encode_metadata(metadata: &Map<String, Json>) -> Box<[u8]> {
    encode_object(metadata.iter().filter(|(_, value)| !value.is_null()))
}

/// The warning of metadata that is no scalar.
pub(super) fn not_flat(path: &Path, name: &str, value: &Json) -> Option<Diagnostic> {
    let help = "in-process clients refuse it; keep metadata flat";
    let message = "is not a string, number or boolean";
    (value.is_object() || value.is_array())
        .then(|| Diagnostic::warning(path.member(name), message, help))
}
