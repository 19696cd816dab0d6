//! A readable file as a whole: its members are read, and each flag is translated by itself.

use super::header::VERSION;
use super::translation::{FlagProblems, Translation};
use crate::diagnostic::{Diagnostic, Path, Step, Target};
use crate::document::kill_detection::{SwitchedOff, astray_kill};
use crate::readable::lists::Lists;
use crate::{
    diagnostic::{
        problems::{MOST_TOLD, Problems},
        suggest::suggest,
    },
    document::{
        definition_value::read_with,
        json::{Indexed, Json},
        members::{Duplicates, Members, duplicate},
        text::DocumentText,
    },
    flag::rule::Generation,
};

use super::condition::ConditionContext;
use super::flags::ReadFlag;
use super::node::Node;
use super::plan::Writing;
use super::prerequisites::Prerequisites;
use super::requires::Required;
use super::rule_text::RuleText;
use super::segments::Segments;
use super::variants::put_member;
use crate::readable::clock::Clock;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

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
pub fn translate(
    text: &DocumentText<'_>,
    members: &Members<'_>,
    lists: &Lists,
    fallback: Generation,
    found: &mut Problems,
) -> Option<Result<Translation, Diagnostic>> {
    let version = members.get(VERSION)?;
    Some(ReadableFile { text, members, lists }.translate(version, fallback, found))
}

pub(super) struct ReadableFile<'a> {
    text: &'a DocumentText<'a>,
    pub(super) members: &'a Members<'a>,
    lists: &'a Lists,
}

impl ReadableFile<'_> {
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
            let value = self.members.get(name);
            if value.is_some_and(|value| astray_kill(name, value).is_some()) {
                let help = "indent it like serve, in the flag that it kills";
                let error = Diagnostic::error(path, "stands outside of every flag", help);
                // Above the flags it is of none of them: the last good file stays.
                let is_below = self.members.names().position(|known| known == "flags")
                    < self.members.names().position(|known| known == name);
                if !is_below {
                    return Err(error);
                }
                found.push(error);
                continue;
            }
            let help = suggest(name, KNOWN, "remove it, or let it begin with x-");
            found.push(Diagnostic::error(path, "is not a member of a readable flag file", help));
        }
        let (mut values, mut faulty) = (BTreeMap::new(), BTreeSet::new());
        for name in ["bucketing", "time_zone", "segments", "metadata"] {
            if let Some(value) = self.value(name, &mut faulty, found)? {
                values.insert(name, value);
            }
        }
        let value = |name: &str| values.get(name).map(Indexed::value);
        let node = |name: &str| value(name).map(|value| Node::new(value, Path::from(name)));
        let generation = generation(node("bucketing"))?;
        let clock = Clock::read(node("time_zone").as_ref(), found)?;
        let segments = Segments::read(node("segments").as_ref(), faulty, self.lists, &clock, found);
        let terms = ConditionContext::new(&clock, &segments);
        let (plans, mut of_flags) = self.plans(terms)?;
        let broken: BTreeSet<String> =
            of_flags.keys().filter(|key| !plans.contains_key(*key)).cloned().collect();
        let is_killed = |flag: &ReadFlag| flag.switched_off == Some(SwitchedOff::Killed);
        let killed = of_flags.iter().filter(|(_, flag)| is_killed(flag));
        let killed: BTreeSet<String> = killed.map(|(key, _)| key.clone()).collect();
        let mut definitions = Vec::with_capacity(of_flags.len());
        let mut broken_here = BTreeSet::new();
        let prerequisites = Prerequisites::new(&segments);
        let written = generation.unwrap_or(fallback);
        for (key, ReadFlag { problems, switched_off, requires }) in &mut of_flags {
            let definition = plans.get_key_value(key).and_then(|(key, plan)| {
                let mut required = Required::new(
                    &plans,
                    (&broken, &killed),
                    written,
                    segments.room(),
                    &prerequisites,
                );
                let required = required.of(key, plan, problems)?;
                let writing = Writing { key, generation: written, elsewhere: false };
                Some(plan.definition(writing, &required))
            });
            if definition.is_none() {
                broken_here.insert(key.clone());
                // Its last good definition may have been made when what it requires was not killed.
                let planned = plans.get(key).into_iter().flat_map(|plan| &plan.requires);
                let mut needed = planned.chain(requires.iter());
                if switched_off.is_none() && needed.any(|needed| killed.contains(&*needed.flag)) {
                    *switched_off = Some(SwitchedOff::Killed);
                }
            }
            // Each by itself: one text of all would be copied as it grows.
            let definition = definition.unwrap_or_else(|| "null".into());
            definitions.push((Box::from(key.as_str()), definition));
        }
        let metadata = metadata(value("metadata"), generation, found)?;
        let shapes = plans.iter().map(|(key, plan)| (key.clone(), plan.shape())).collect();
        let found = of_flags.into_iter().map(|(key, ReadFlag { problems, switched_off, .. })| {
            let is_broken = broken_here.contains(&key);
            let (told, untold) = problems.finish();
            (key, FlagProblems { told, untold, is_broken, switched_off })
        });
        let found = found
            .filter(|(_, problems): &(_, FlagProblems)| {
                problems.is_broken || problems.untold > 0 || !problems.told.is_empty()
            })
            .collect();
        let (evaluators, required) = prerequisites.finish();
        let (zone, inner) = (clock.zone().cloned(), segments.inner());
        let evaluators = evaluators.into_iter().chain(segments.into_evaluators());
        let evaluators: BTreeMap<_, _> =
            evaluators.map(|(name, rule)| (name, rule.into_text())).collect();
        let evaluators = evaluators.into_iter().collect();
        Ok(Translation { definitions, evaluators, metadata, required, inner, found, shapes, zone })
    }

    /// The error of a member of the file that is written twice: half of the file would be lost.
    fn member_written_twice(&self) -> Option<Diagnostic> {
        KNOWN.into_iter().find_map(|known| {
            let same = self.members.names().filter(|name| name.eq_ignore_ascii_case(known));
            let same: Vec<&str> = same.collect();
            let last = same.last().filter(|_| same.len() > 1)?;
            Some(duplicate(Path::from(*last), same.len(), Duplicates::Refused(None)))
        })
    }

    /// Reads a member that the whole file depends on. Adds the names of segments that have a
    /// duplicate in them to `faulty`.
    fn value(
        &self,
        name: &str,
        faulty: &mut BTreeSet<Box<str>>,
        found: &mut Problems,
    ) -> Result<Option<Indexed<'_>>, Diagnostic> {
        let Some(raw) = self.members.get(name).filter(|raw| raw.get() != "null") else {
            return Ok(None);
        };
        let mut twice = Problems::with_room(MOST_TOLD);
        let value = self.read(raw, &Path::from(name), (None, &mut twice), found);
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
    /// `twice`, with what holds of their flag all the same.
    pub(super) fn read<'r>(
        &self,
        raw: &'r RawValue,
        path: &Path,
        (holds, twice): (Option<SwitchedOff>, &mut Problems),
        found: &mut Problems,
    ) -> Result<Indexed<'r>, Diagnostic> {
        let start = self.text.offset_of(raw.get());
        let faults = self.text.faults(start..start + raw.get().len());
        found.extend(faults.iter().map(|fault| fault.diagnostic(path, start)));
        read_with(raw, path, Duplicates::Refused(holds), twice)
    }
}

/// The metadata of the file, with the generation that it says.
fn metadata(
    written: Option<Json<'_>>,
    generation: Option<Generation>,
    found: &mut Problems,
) -> Result<Option<Box<str>>, Diagnostic> {
    let mut out = match written {
        Some(Json::Object(metadata)) if metadata.get("fractional").is_some() => {
            let path = Path::from("metadata").member("fractional");
            let help = "write bucketing: v2 or v3 at the top of the file instead";
            return Err(Diagnostic::error(path, "is not read in this form", help));
        }
        Some(metadata @ Json::Object(_)) => String::from(RuleText::of(metadata).into_text()),
        Some(_) => {
            let help = "write names and values: { team: shop }";
            found.push(Diagnostic::error("metadata", "is not an object", help));
            "{}".to_owned()
        }
        None => "{}".to_owned(),
    };
    if let Some(generation) = generation {
        // Its member is added before the bracket that closes the object.
        out.pop();
        put_member(&mut out, "fractional", RuleText::text(generation.as_str()).as_str());
        out.push('}');
    }
    Ok((out != "{}").then(|| out.into()))
}

/// How units are hashed: a fact of the file.
fn generation(node: Option<Node<'_>>) -> Result<Option<Generation>, Diagnostic> {
    let Some(node) = node else { return Ok(None) };
    match node.value.as_str().as_deref() {
        Some("v2") => Ok(Some(Generation::V2)),
        Some("v3") => Ok(Some(Generation::V3)),
        // A guess would move users.
        _ => Err(node.error("is no way to hash units", "write v2 or v3")),
    }
}
