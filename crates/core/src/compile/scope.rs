//! What the flags of one file share: evaluators, metadata and the fractional generation.

use super::{
    evaluators::{CompiledEvaluators, EvaluatorTexts, Evaluators},
    interned::Interned,
};
use crate::{
    diagnostic::{Diagnostic, Level, Path, problems::Problems},
    document::{
        Document, definition_value,
        json::{Indexed, Json, JsonObject, encode_members},
        members::Members,
        text::DocumentText,
    },
    flag::{Digest, digest::PartsHash, rule::Generation},
};
use serde_json::{Map, Value, value::RawValue};
use std::{cell::Cell, collections::BTreeSet, sync::Arc};

/// Results of rules that are compared with variants: those of an evaluator once for each flag.
const MOST_RESULTS: usize = 2_000_000;

/// The member of a file's metadata that names the generation of `fractional`.
const GENERATION: &str = "fractional";

/// What flags of one file share.
#[derive(Debug)]
pub(crate) struct FileScope<'t> {
    evaluators: Evaluators<'t>,
    /// Results of rules that may still be compared with the variants of their flags.
    results: Cell<usize>,
    /// Names whose evaluators are written, but cannot be read.
    unreadable: BTreeSet<String>,
    /// None of them can be.
    all_unreadable: bool,
    metadata: Option<Indexed<'t>>,
    /// Members of it that are not metadata of answers.
    left_out: BTreeSet<Box<str>>,
    /// The bytes that the file may take in memory.
    most_bytes: usize,
    /// The metadata, encoded, for flags that have none of their own.
    encoded_metadata: Arc<[u8]>,
    interned: Interned,
    generation: Generation,
    is_pinned: bool,
    digest: Digest,
}

impl<'t> FileScope<'t> {
    pub(crate) fn read(
        document: &Document<'t>,
        text: &DocumentText<'_>,
        fallback: Generation,
        compiled: &CompiledEvaluators,
        found: &mut Problems,
    ) -> Self {
        let mut evaluators = EvaluatorTexts::default();
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
        // The generation configures the file, so it is not metadata of an answer.
        let mut left_out: BTreeSet<Box<str>> = BTreeSet::from([GENERATION.into()]);
        let mut pinned = None;
        let metadata = written.as_ref().and(document.metadata);
        if let Some(written) = &written {
            written.warn_of_duplicates(&path, &[], found);
            for (name, raw) in &written.0 {
                let path = path.member(name);
                let Some(value) = member(raw, text, &path, found) else {
                    left_out.insert((&**name).into());
                    continue;
                };
                if name == GENERATION {
                    pinned = Some(value);
                }
            }
        }
        let metadata = metadata.and_then(|raw| Indexed::new(raw.get()));
        let is =
            |name| pinned.as_ref().is_some_and(|pin| pin.value().as_str().as_deref() == Some(name));
        let generation = match &pinned {
            None => fallback,
            Some(_) if is("v2") => Generation::V2,
            Some(_) if is("v3") => Generation::V3,
            Some(_) => {
                let message = "is no generation of \"fractional\", so it is ignored";
                let help = "write \"v2\" or \"v3\"";
                found.push(Diagnostic::warning(path.member("fractional"), message, help));
                fallback
            }
        };
        let mut hash = PartsHash::default();
        hash.part(&[generation as u8]);
        left_out.iter().for_each(|name| hash.part(name.as_bytes()));
        hash.json(metadata.as_ref().map_or(Json::Null, Indexed::value));
        evaluators.digests().for_each(|evaluator| hash.part(evaluator));
        let digest = hash.finish();
        let is_pinned = pinned.is_some();
        let all_unreadable = document.evaluators.is_none();
        let results = Cell::new(MOST_RESULTS);
        let evaluators = Evaluators::new(evaluators, digest, compiled);
        let mut scope = Self {
            evaluators,
            results,
            unreadable,
            all_unreadable,
            encoded_metadata: Arc::default(),
            interned: Interned::default(),
            metadata,
            left_out,
            most_bytes: usize::MAX,
            generation,
            is_pinned,
            digest,
        };
        scope.each_metadata(None, &mut |name, value| found.extend(not_flat(&path, name, value)));
        scope.encoded_metadata = scope.encode_metadata(None).into();
        scope
    }

    /// The same for a file that may take so many bytes in memory.
    pub(crate) fn with_most_bytes(self, most_bytes: usize) -> Self {
        Self { most_bytes, ..self }
    }

    /// The bytes that the file may take in memory, and so the most that a flag of it may take.
    pub(super) fn most_bytes(&self) -> usize {
        self.most_bytes
    }

    /// Whether an evaluator is written, but cannot be read; its author was told.
    pub(super) fn is_unreadable(&self, evaluator: &str) -> bool {
        self.all_unreadable || self.unreadable.contains(evaluator)
    }

    /// The evaluators of the file.
    pub(crate) fn evaluators(&self) -> &Evaluators<'t> {
        &self.evaluators
    }

    /// Whether there is time to look at one more result.
    pub(super) fn may_look_at_result(&self) -> bool {
        let left = self.results.get().checked_sub(1);
        self.results.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Those of them that flags refer to.
    pub(crate) fn into_compiled(self) -> CompiledEvaluators {
        self.evaluators.into_compiled()
    }

    /// Metadata that every flag has, unless the flag has a member of that name.
    pub(crate) fn metadata(&self) -> Map<String, Value> {
        let mut all = Map::new();
        self.each_metadata(None, &mut |name, value| {
            let value = serde_json::from_str(&value.to_canonical()).unwrap_or_default();
            all.insert(name.to_owned(), value);
        });
        all
    }

    /// Shows the metadata of a flag that has some of its `own`, in the order of the names.
    fn each_metadata(&self, own: Option<JsonObject<'_>>, see: &mut dyn FnMut(&str, Json<'_>)) {
        let of_file = self.metadata.as_ref().and_then(|metadata| metadata.value().as_object());
        let of_file = of_file.into_iter().flat_map(JsonObject::members);
        let of_file = of_file.filter(|(name, _)| !self.left_out.contains(&**name));
        let mut own = own.into_iter().flat_map(JsonObject::members).peekable();
        for (name, value) in of_file {
            while let Some((name, value)) = own.next_if(|(own, _)| *own < name) {
                see(&name, value);
            }
            match own.next_if(|(own, _)| *own == name) {
                Some((name, value)) => see(&name, value),
                None => see(&name, value),
            }
        }
        own.for_each(|(name, value)| see(&name, value));
    }

    /// Metadata as flags have it; null values are dropped.
    fn encode_metadata(&self, own: Option<JsonObject<'_>>) -> Box<[u8]> {
        encode_members(|put| {
            self.each_metadata(own, &mut |name, value| {
                if !value.is_null() {
                    put(name, value);
                }
            });
        })
    }

    /// The encoded metadata of a flag that has some of its own.
    pub(super) fn metadata_with(&self, own: JsonObject<'_>) -> Arc<[u8]> {
        self.interned.metadata(self.encode_metadata(Some(own)))
    }

    /// The same encoded.
    pub(super) fn encoded_metadata(&self) -> &Arc<[u8]> {
        &self.encoded_metadata
    }

    /// Parts that many flags repeat.
    pub(crate) fn interned(&self) -> &Interned {
        &self.interned
    }

    pub(crate) fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether the file says which generation it is for.
    pub(crate) fn is_pinned(&self) -> bool {
        self.is_pinned
    }

    /// Of all that a flag of the file depends on beside its own text.
    pub(crate) fn digest(&self) -> &[u8] {
        &self.digest
    }
}

/// A value that flags share; if it cannot be read it is missing, and its author is told.
fn member<'t>(
    raw: &'t RawValue,
    text: &DocumentText<'_>,
    path: &Path,
    found: &mut Problems,
) -> Option<Indexed<'t>> {
    let start = text.offset_of(raw.get());
    let faults = text.faults(start..start + raw.get().len());
    let problems = faults.iter().map(|fault| fault.diagnostic(path, start));
    found.extend(problems.map(|fault| Diagnostic { level: Level::Warning, ..fault }));
    match definition_value::read(raw, path, found) {
        Ok(value) => faults.is_empty().then_some(value),
        Err(error) => {
            found.push(Diagnostic { level: Level::Warning, ..error });
            None
        }
    }
}

/// The warning of metadata that is no scalar.
pub(super) fn not_flat(path: &Path, name: &str, value: Json<'_>) -> Option<Diagnostic> {
    let help = "in-process clients refuse it; keep metadata flat";
    let message = "is not a string, number or boolean";
    (value.is_object() || value.is_array())
        .then(|| Diagnostic::warning(path.member(name), message, help))
}
