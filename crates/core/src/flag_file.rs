//! From a definition file to flags: every problem is found here, and all of them are reported.
//!
//! A definition that cannot be served keeps its last good flag (see [`layer`]); what
//! flagd would load with a shrug is loaded with a warning.

mod definitions;
pub(crate) mod form;
pub mod layer;
pub(crate) mod memory;
pub mod overridden;
mod quarantine;
mod report;
mod written_out;

pub use definitions::definitions_of;

use super::{
    diagnostic::{Diagnostic, Level, Path},
    document::Definition,
};
use crate::readable::kill_and_duplicates::KILL_IN_TEXT;
use crate::{
    compile::{rule::TAKES_TOO_MUCH_HELP, scope::FileScope},
    diagnostic::problems::{MOST_TOLD, Problems},
    document::{
        foreign,
        kill_detection::SwitchedOff,
        members::Members,
        text::{DocumentText, Format},
    },
    flag::{Behaviour, Flag, digest::digest, rule::Generation, split_summary},
    flag_file::{
        form::FileForm,
        layer::{Layer, LayerFlag, Standing},
        memory::FileMemory,
    },
    readable::Lists,
};
use report::Report;
use std::{mem, sync::Arc};

/// A file's flags, and what its author should know.
#[derive(Debug)]
pub struct Compilation {
    /// The flags.
    pub layer: Layer,
    /// Every problem found, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Compiles a file's content over what the same file gave before.
///
/// `fallback` is the fractional generation of a file that does not say one. Nothing is served from
/// a file that is no document at all; its problem is then the error.
pub fn compile(
    content: &[u8],
    format: Format,
    fallback: Generation,
    previous: &Layer,
) -> Result<Compilation, Vec<Diagnostic>> {
    compile_with(&Lists::new(), content, format, fallback, previous)
}

/// Compiles a file with the lists of units that it names, see [`lists_named`](crate::readable::lists_named).
pub fn compile_with(
    lists: &Lists,
    content: &[u8],
    format: Format,
    fallback: Generation,
    previous: &Layer,
) -> Result<Compilation, Vec<Diagnostic>> {
    let written = DocumentText::read(content, format)
        .map_err(|error| vec![foreign::unparsed(content, error)])?;
    let mut report = Report::new(&written);
    report.add_to_file(written.warnings());
    let mut found = Problems::with_room(MOST_TOLD);
    let document = FileForm::read(&written, lists, fallback, &mut found);
    let document = document.as_ref().map_err(Clone::clone);
    let document = document.and_then(|source| Ok((source, source.document(&mut found)?)));
    let (source, document) = match document {
        Ok(document) => document,
        Err(error) => {
            let (mut found, untold) = found.finish();
            found.push(error);
            report.add_to_file((found, untold));
            return Err(report.finish());
        }
    };
    let evaluators = previous.evaluators();
    let of_lists = lists.values().flatten().flat_map(|list| list.iter());
    let of_file = content.len() + of_lists.map(|entry| entry.len() + 1).sum::<usize>();
    let most_bytes = memory::most_bytes(of_file, document.flags.len());
    let scope = FileScope::read(&document, source.text(), fallback, evaluators, &mut found);
    let scope = scope.with_most_bytes(most_bytes);
    let mut flags = Vec::with_capacity(document.flags.len());
    let (mut told, mut untold) = (MOST_TOLD, 0);
    let of_definitions = document.flags.iter().map(|definition| definition.raw.get().len()).sum();
    let mut room = FileMemory::new(of_file, source.length(), of_definitions);
    let mut too_large = Vec::new();
    for definition in &document.flags {
        if definition.key.is_empty() {
            let help = "nobody can ask for it; give it a key";
            let path = Path::from("flags").member("");
            found.push(Diagnostic::warning(path, "has no key", help));
            continue;
        }
        let before = previous.get(&definition.key);
        let (mut flag, mut more) = compile_one(definition, source, &scope, before, told);
        if let Err(lacking) = room.take(&flag, definition.raw.get().len())
            && flag.standing() == Standing::Good
        {
            forget(definition, flag, &scope);
            too_large.push((definition, lacking));
            continue;
        }
        more += room.keep_problems(&mut flag);
        told = told.saturating_sub(flag.problems().len());
        untold += more;
        flags.push(flag);
    }
    // Later flags may leave room that earlier flags need.
    for (definition, lacking) in too_large {
        let before = previous.get(&definition.key);
        let (mut flag, mut more) = compile_one(definition, source, &scope, before, told);
        if let Err(lacking) = room.take_again(&flag, lacking) {
            let without = no_room(definition, flag.flag(), before, lacking.own);
            forget(definition, mem::replace(&mut flag, without), &scope);
        }
        more += room.keep_problems(&mut flag);
        told = told.saturating_sub(flag.problems().len());
        untold += more;
        flags.push(flag);
    }
    let mut layer = Layer::default();
    for flag in report.add_flags(flags, untold, source, &document) {
        layer.insert(flag);
    }
    let is_pinned = scope.is_pinned();
    layer.keep_evaluators(scope.into_compiled());
    if document.has_nameless {
        // Which flag has lost its key nobody knows, so none goes.
        layer.keep_missing(previous);
    }
    if !is_pinned && layer.flags().any(|flag| flag.flag().splits_units()) {
        found.push(source.unpinned(fallback));
    }
    report.add_to_file(found.finish());
    Ok(Compilation { layer, diagnostics: report.finish() })
}

/// Problems of a file as a whole, each at its place.
pub fn place_problems(text: &DocumentText<'_>, found: Problems) -> Vec<Diagnostic> {
    let mut report = Report::new(text);
    report.add_to_file(found.finish());
    report.finish()
}

/// Compiles a flag, unless it is what it was; says how many problems there was no room for.
fn compile_one(
    definition: &Definition<'_>,
    source: &FileForm<'_>,
    scope: &FileScope<'_>,
    before: Option<&LayerFlag>,
    room: usize,
) -> (LayerFlag, usize) {
    let Definition { key, raw, .. } = definition;
    let text = source.text();
    let start = text.offset_of(raw.get());
    let faults = text.faults(start..start + raw.get().len());
    let origin = source.origin_of(key);
    let beyond = origin.text();
    let before_it =
        [u8::from(definition.is_disabled_before), u8::from(definition.is_killed_before)];
    let parts = [scope.digest(), key.as_bytes(), beyond.as_bytes(), &before_it];
    let digest = digest(parts.into_iter().chain([raw.get().as_bytes()]));
    let written = source.problems_of(key);
    if let Some(same) = before.filter(|before| before.was_compiled_from(&digest))
        && faults.is_empty()
        && source.has_all_its_problems(same)
    {
        return (same.clone(), 0);
    }
    let path = Path::from("flags").member(key);
    let mut found = Problems::with_room(room);
    found.extend(faults.iter().map(|fault| fault.diagnostic(&path, start)));
    let flag = match written.is_some_and(|written| written.is_broken) {
        true => None,
        false => crate::compile::flag::compile(definition, digest, scope, &mut found)
            .map(|flag| flag.of(origin)),
    };
    found.extend(written.iter().flat_map(|written| &written.told).cloned());
    let (mut found, untold) = found.finish();
    source.lead_back(key, &mut found);
    // A kill that a text may have swallowed is not lifted.
    let was_killed = before.is_some_and(|before| before.flag().is_killed());
    let lifts = |flag: &Flag| was_killed && !flag.is_killed();
    let flag = match flag.as_ref().is_some_and(lifts) {
        true if doubt_texts(&mut found) => None,
        _ => flag,
    };
    let has_error = found.iter().any(|problem| problem.level == Level::Error);
    let standing = match &flag {
        _ if !has_error => Standing::Good,
        Some(flag) if flag.is_killed() || flag.is_disabled() => Standing::SwitchedOff,
        _ => Standing::Quarantined,
    };
    let is_good = |before: &LayerFlag| before.standing() != Standing::Broken;
    let flag = match flag {
        // What flagd serves, and was perhaps meant to be off, takes no last good flag's place.
        Some(_) if standing == Standing::Quarantined && before.is_some_and(is_good) => {
            quarantine::flag(key, digest, before, None, &found)
        }
        Some(mut flag) => {
            if let Some(before) = before {
                flag.share_with(before.flag());
            }
            LayerFlag::new(Arc::new(flag), standing, &found)
        }
        None => {
            let killed =
                || Members::parse(raw).is_some_and(|members| definition.is_killed(&members));
            let switched_off = written
                .and_then(|written| written.switched_off)
                .or_else(|| killed().then_some(SwitchedOff::Killed));
            quarantine::flag(key, digest, before, switched_off, &found)
        }
    };
    (flag, untold + written.map_or(0, |written| written.untold))
}

/// Makes the warning of a text that ends like a kill an error. Says whether there is one.
fn doubt_texts(found: &mut [Diagnostic]) -> bool {
    let mut doubtful = found.iter_mut().filter(|problem| *problem.message == *KILL_IN_TEXT);
    doubtful.next().map(|problem| problem.level = Level::Error).is_some()
}

/// Drops a flag that found no room, with the parts that no other flag has.
fn forget(definition: &Definition<'_>, flag: LayerFlag, scope: &FileScope<'_>) {
    let members = Members::parse(definition.raw);
    let variants = members.and_then(|members| members.get("variants"));
    let metadata = Arc::clone(&flag.flag().metadata);
    drop(flag);
    scope.interned().forget(&metadata, variants.map(|raw| raw.get()));
}

/// The quarantine of a flag that would take more memory than its file leaves it.
fn no_room(
    definition: &Definition<'_>,
    flag: &Flag,
    before: Option<&LayerFlag>,
    bytes: usize,
) -> LayerFlag {
    let path = Path::from("flags").member(&definition.key);
    let message = format!("takes {bytes} bytes in memory, more than its file has room for");
    let error = Diagnostic::error(path, message, TAKES_TOO_MUCH_HELP);
    let switched_off = match flag.is_killed() {
        true => Some(SwitchedOff::Killed),
        false => flag.is_disabled().then_some(SwitchedOff::Disabled),
    };
    quarantine::flag(&definition.key, flag.digests.source, before, switched_off, &[error])
}

impl Flag {
    /// Shares the parts that did not change with the flag as it was before.
    fn share_with(&mut self, before: &Self) {
        if self.variants == before.variants {
            self.variants = Arc::clone(&before.variants);
        }
        if self.metadata == before.metadata {
            self.metadata = Arc::clone(&before.metadata);
        }
    }

    /// Whether a split decides for some context.
    pub fn splits_units(&self) -> bool {
        match &self.behaviour {
            Behaviour::Targeted(rule) => split_summary::is_in(rule),
            Behaviour::Disabled | Behaviour::Static | Behaviour::Broken(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
