//! The flags of a readable file, each read by itself: one that makes no sense hurts no other.

use super::{
    condition::ConditionContext,
    file::ReadableFile,
    flag,
    node::Node,
    plan::{Plan, Requirement},
    requires::Plans,
    rules,
};
use crate::{
    diagnostic::{
        Diagnostic, Path,
        problems::{MOST_TOLD, Problems},
    },
    document::{
        check_count,
        json::Indexed,
        kill_detection::{AstrayKill, SwitchedOff, astray_kill},
        members::{Duplicates, Members, duplicate},
    },
    readable::kill_and_duplicates::Switches,
};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A flag as far as it was read.
#[derive(Debug)]
pub(super) struct ReadFlag {
    pub(super) problems: Problems,
    pub(super) switched_off: Option<SwitchedOff>,
    /// What it requires as far as that can be read, if it is broken.
    pub(super) requires: Vec<Requirement>,
}

impl ReadableFile<'_> {
    /// Reads every flag by itself: one that makes no sense hurts no other.
    pub(super) fn plans(
        &self,
        terms: ConditionContext<'_>,
    ) -> Result<(Plans, BTreeMap<String, ReadFlag>), Diagnostic> {
        let help = "write each flag below it by its key: flags: { my_flag: { serve: on } }";
        let Some(flags) = self.members.get("flags") else {
            return Err(Diagnostic::error("flags", "is missing", help));
        };
        let flags = Members::read(flags, Diagnostic::error("flags", "is not a mapping", help))?;
        let mut copies: BTreeMap<&str, Vec<&RawValue>> = BTreeMap::new();
        for (key, raw) in &flags.0 {
            copies.entry(key).or_default().push(raw);
        }
        check_count(copies.len())?;
        let mut beside = kills_beside(&flags);
        if let Some((key, kill)) = self.kill_after_flags(&flags) {
            beside.entry(key).or_insert(kill);
        }
        let (mut plans, mut of_flags) = (BTreeMap::new(), BTreeMap::new());
        // So many problems are told of the whole file, and not of each flag.
        let mut room = MOST_TOLD;
        for (key, copies) in copies {
            let (plan, flag) = self.flag((key, &copies), beside.get(key).copied(), room, terms);
            room = room.saturating_sub(flag.problems.told());
            plans.extend(plan.map(|plan| (key.to_owned(), plan)));
            of_flags.insert(key.to_owned(), flag);
        }
        Ok((plans, of_flags))
    }

    /// Reads a flag. With anything written twice, or a kill that is not clear, it has a plan only if
    /// it is switched off.
    fn flag(
        &self,
        (key, copies): (&str, &[&RawValue]),
        kill_beside: Option<(&str, AstrayKill)>,
        room: usize,
        terms: ConditionContext<'_>,
    ) -> (Option<Plan>, ReadFlag) {
        let path = Path::from("flags").member(key);
        let mut switches = Switches::of(copies, &path);
        if let Some(kill) = kill_beside {
            switches.kill_beside(kill, &path);
        }
        let switched_off = switches.off();
        let mut problems = Problems::with_room(room);
        let mut twice = Problems::with_room(room);
        if copies.len() > 1 {
            twice.push(duplicate(path.clone(), copies.len(), Duplicates::Refused(switched_off)));
        }
        // The last copy is read, or one before it that says which variant is the safe one.
        let most = if switched_off.is_some() { copies.len() } else { 1 };
        let plan = copies.iter().rev().take(most).find_map(|raw| {
            let value = self.read(raw, &path, (switched_off, &mut twice), &mut problems);
            let value = value.map_err(|error| problems.push(error)).ok()?;
            let node = Node::of_many(value.value(), path.clone());
            flag::read(&node, &switches, terms, &mut problems)
        });
        twice.extend(switches.finish());
        let plan = plan.filter(|_| !twice.has_error() || switched_off.is_some());
        let (twice, untold) = twice.finish();
        problems.repeat(&twice, untold);
        let last = copies.last().filter(|_| plan.is_none());
        let last = last.and_then(|raw| Indexed::new(raw.get()));
        let requires = last.map_or_else(Vec::new, |last| {
            // What is wrong with it was told with the rest of the flag.
            let mut told = Problems::with_room(0);
            rules::requires(&Node::of_many(last.value(), path), &mut told)
        });
        (plan, ReadFlag { problems, switched_off, requires })
    }

    /// A kill that stands at the top of the file, right after the flags, and the last flag: it has lost
    /// two levels of its indentation.
    fn kill_after_flags<'m>(&'m self, flags: &'m Members<'_>) -> Option<(&'m str, KillBeside<'m>)> {
        let mut members = self.members.0.iter().skip_while(|(name, _)| name != "flags").skip(1);
        let kill = members.find_map(|(name, value)| Some((&**name, astray_kill(name, value)?)))?;
        let last = flags.0.iter().rev().find(|(key, value)| is_flag(key, value));
        last.map(|(key, _)| (&**key, kill))
    }
}

/// A kill outside of its flag: what it is called, and what it says.
type KillBeside<'m> = (&'m str, AstrayKill);

/// The kills that stand among the flags because their indentation was lost, by the flag before them,
/// or by the first flag.
fn kills_beside<'m>(flags: &'m Members<'_>) -> BTreeMap<&'m str, KillBeside<'m>> {
    let mut beside = BTreeMap::new();
    let first = flags.0.iter().find(|(key, value)| is_flag(key, value)).map(|(key, _)| &**key);
    let mut before = first;
    for (name, value) in &flags.0 {
        if is_flag(name, value) {
            before = Some(&**name);
        } else if let (Some(key), Some(kill)) = (before, astray_kill(name, value)) {
            beside.insert(key, (&**name, kill));
        }
    }
    beside
}

/// Whether a member of `flags` is a flag, and not a member of one that has lost its indentation.
fn is_flag(key: &str, value: &RawValue) -> bool {
    value.get().starts_with('{') && !flag::KNOWN.contains(&key)
}
