//! The readable format: flags as people write them, translated to flagd's definitions.
//!
//! A file whose top level says `flagstaff: 1` is read flag by flag into plans, and each plan is
//! written down as a definition. From there on it takes the path of any other file; nothing behind
//! this knows which it was, but for the places that problems are told at.

mod attribute;
mod condition;
mod copies;
mod experiment;
mod facts;
mod flag;
mod flags;
mod lists;
mod moment;
mod node;
mod operand;
mod plan;
mod prerequisites;
mod requires;
mod rollout;
mod room;
mod rules;
mod segments;
mod shape;
mod share;
mod synonyms;
#[cfg(test)]
mod tests;
mod translation;
mod trials;
mod variants;
mod words;

pub use lists::{List, Lists, lists_named};
pub use trials::run_tests;

use super::{
    Generation,
    compile::read_with,
    diagnostic::{Diagnostic, Path, Step, Target},
    integers,
    members::{Duplicates, Members, duplicate},
    problems::{MOST_TOLD, Problems},
    suggest::suggest,
    text::Text,
};
pub(super) use copies::SwitchedOff;
pub(super) use translation::{FlagProblems, Shape, Translation, written_path};
pub(super) use words::truth;

use condition::Terms;
use flags::ReadFlag;
use moment::Clock;
use node::Node;
use plan::Writing;
use prerequisites::Prerequisites;
use requires::Required;
use segments::Segments;
use serde_json::{Map, Value as Json, value::RawValue};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// The member that says a file is written in this format, and in which version of it.
pub(super) const VERSION: &str = "flagstaff";

/// The members of a file. What begins with `x-` is the author's own, for YAML's anchors.
const KNOWN: [&str; 9] = [
    VERSION,
    "bucketing",
    "time_zone",
    "segments",
    "flags",
    "tests",
    "lint",
    "metadata",
    "$schema",
];

/// Translates a file, if it is written in this format. An error means that nothing in it counts.
pub(super) fn translate(
    text: &Text<'_>,
    members: &Members<'_>,
    lists: &Lists,
    fallback: Generation,
    found: &mut Problems,
) -> Option<Result<Translation, Diagnostic>> {
    let version = members.get(VERSION)?;
    Some(File { text, members, lists }.translate(version, fallback, found))
}

struct File<'a> {
    text: &'a Text<'a>,
    members: &'a Members<'a>,
    lists: &'a Lists,
}

impl File<'_> {
    fn translate(
        &self,
        version: &RawValue,
        fallback: Generation,
        found: &mut Problems,
    ) -> Result<Translation, Diagnostic> {
        if version.get() != "1" {
            let help = match version.get() {
                "\"1\"" => "write flagstaff: 1, without quotes",
                text if text.parse::<f64>().is_ok_and(|number| number > 1.0) => {
                    "write flagstaff: 1; a newer sidecar may know more"
                }
                _ => "write flagstaff: 1",
            };
            return Err(Diagnostic::error(VERSION, "is not a known version", help));
        }
        if let Some(twice) = self.member_written_twice() {
            return Err(twice);
        }
        self.members.warn_of_duplicates(&Path::default(), &KNOWN, found);
        let own = |name: &&str| !name.starts_with("x-");
        for name in self.members.unknown(&KNOWN).filter(own) {
            let path = Path::from(name).target(Target::Name);
            let help = suggest(name, KNOWN, "remove it, or let it begin with x-");
            found.push(Diagnostic::error(path, "is not a member of a readable flag file", help));
        }
        let (mut values, mut faulty) = (BTreeMap::new(), BTreeSet::new());
        for name in ["bucketing", "time_zone", "segments", "metadata"] {
            if let Some(value) = self.value(name, &mut faulty, found)? {
                values.insert(name, value);
            }
        }
        let node =
            |name: &str| values.get(name).map(|value| Node { value, path: Path::from(name) });
        let generation = generation(node("bucketing"))?;
        let clock = Clock::read(node("time_zone").as_ref(), found)?;
        let segments = Segments::read(node("segments").as_ref(), faulty, self.lists, &clock, found);
        let terms = Terms::new(&clock, &segments);
        let (plans, mut of_flags) = self.plans(terms)?;
        let broken: BTreeSet<String> =
            of_flags.keys().filter(|key| !plans.contains_key(*key)).cloned().collect();
        let mut flags = String::new();
        // Their author was warned where they are written, and is not warned again.
        let is_rounded = integers::may_have(self.text.json());
        let mut broken_here = BTreeSet::new();
        let prerequisites = Prerequisites::new(&segments);
        let written = generation.unwrap_or(fallback);
        for (key, ReadFlag { problems, .. }) in &mut of_flags {
            let definition = plans.get_key_value(key).and_then(|(key, plan)| {
                let mut required =
                    Required::new(&plans, &broken, written, segments.room(), &prerequisites);
                let required = required.of(key, plan, problems)?;
                let writing = Writing { key, generation: written, elsewhere: false };
                Some(plan.definition(writing, required))
            });
            if definition.is_none() {
                broken_here.insert(key.clone());
            }
            // As text at once: trees of all flags would take many times the memory of the file.
            let separator = if flags.is_empty() { "" } else { "," };
            let mut definition = definition.unwrap_or_default();
            if is_rounded {
                integers::round(&mut definition);
            }
            // Writing to a text cannot fail.
            _ = write!(flags, "{separator}{}:{definition}", Json::from(key.as_str()));
        }
        let mut file = Map::new();
        let mut metadata = match values.get("metadata") {
            Some(Json::Object(metadata)) if metadata.contains_key("fractional") => {
                let path = Path::from("metadata").member("fractional");
                let help = "write bucketing: v2 or v3 at the top of the file instead";
                return Err(Diagnostic::error(path, "is not read in this form", help));
            }
            Some(Json::Object(metadata)) => metadata.clone(),
            Some(_) => {
                let help = "write names and values: { team: shop }";
                found.push(Diagnostic::error("metadata", "is not an object", help));
                Map::new()
            }
            None => Map::new(),
        };
        if let Some(generation) = generation {
            metadata.insert("fractional".to_owned(), generation.as_str().into());
        }
        let shapes = plans.iter().map(|(key, plan)| (key.clone(), plan.shape())).collect();
        let found = of_flags.into_iter().map(|(key, ReadFlag { problems, switched_off })| {
            let is_broken = broken_here.contains(&key);
            let (told, untold) = problems.finish();
            (key, FlagProblems { told, untold, is_broken, switched_off })
        });
        let found = found
            .filter(|(_, problems): &(_, FlagProblems)| {
                problems.is_broken || !problems.told.is_empty()
            })
            .collect();
        let (mut evaluators, required) = prerequisites.finish();
        evaluators.extend(segments.evaluators());
        for (name, members) in [("metadata", metadata), ("$evaluators", evaluators)] {
            if !members.is_empty() {
                file.insert(name.to_owned(), members.into());
            }
        }
        if is_rounded {
            file.values_mut().for_each(integers::round);
        }
        Ok(Translation {
            json: joined(&flags, &file),
            required,
            inner: segments.inner(),
            found,
            shapes,
            zone: clock.zone().cloned(),
        })
    }

    /// The error of a member of the file that is written twice: half of the file would be lost.
    fn member_written_twice(&self) -> Option<Diagnostic> {
        KNOWN.into_iter().find_map(|known| {
            let same = self.members.names().filter(|name| name.eq_ignore_ascii_case(known));
            let same: Vec<&str> = same.collect();
            let last = same.last().filter(|_| same.len() > 1)?;
            Some(duplicate(Path::from(*last), same.len(), Duplicates::Refused))
        })
    }

    /// Reads a member that the whole file depends on. Adds the names of segments that have a
    /// duplicate in them to `faulty`.
    fn value(
        &self,
        name: &str,
        faulty: &mut BTreeSet<Box<str>>,
        found: &mut Problems,
    ) -> Result<Option<Json>, Diagnostic> {
        let Some(raw) = self.members.get(name).filter(|raw| raw.get() != "null") else {
            return Ok(None);
        };
        let mut twice = Problems::with_room(MOST_TOLD);
        let value = self.read(raw, &Path::from(name), &mut twice, found);
        let (twice, _) = twice.finish();
        faulty.extend(twice.iter().filter_map(|problem| match problem.path.parts().0 {
            [Step::Member(segments), Step::Member(part), ..] if **segments == *"segments" => {
                Some(Box::from(&**part))
            }
            _ => None,
        }));
        found.extend(twice);
        value.map(Some)
    }

    /// Reads a part of the file. Syntax errors go to `found`, members that are written twice to
    /// `twice`.
    fn read(
        &self,
        raw: &RawValue,
        path: &Path,
        twice: &mut Problems,
        found: &mut Problems,
    ) -> Result<Json, Diagnostic> {
        let start = self.text.offset_of(raw.get());
        let faults = self.text.faults(start..start + raw.get().len());
        found.extend(faults.iter().map(|fault| fault.diagnostic(path, start)));
        read_with(raw, path, Duplicates::Refused, twice)?;
        Ok(serde_json::from_str(raw.get()).unwrap_or_default())
    }
}

/// The text of a file of these flags and other members.
fn joined(flags: &str, others: &Map<String, Json>) -> String {
    let mut json = format!("{{\"flags\":{{{flags}}}");
    for (name, member) in others {
        _ = write!(json, ",{}:{member}", Json::from(name.as_str()));
    }
    json.push('}');
    json
}

/// How units are hashed: a fact of the file.
fn generation(node: Option<Node<'_>>) -> Result<Option<Generation>, Diagnostic> {
    let Some(node) = node else { return Ok(None) };
    match node.value.as_str() {
        Some("v2") => Ok(Some(Generation::V2)),
        Some("v3") => Ok(Some(Generation::V3)),
        // A guess would move users.
        _ => Err(node.error("is no way to hash units", "write v2 or v3")),
    }
}

/// Whether a file can have a name in it: it stands there, unless it is written with escapes.
fn may_have(content: &[u8], name: &str) -> bool {
    std::str::from_utf8(content).is_ok_and(|text| text.contains(name) || text.contains('\\'))
}
