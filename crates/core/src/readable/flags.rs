//! The flags of a readable file, each read by itself: one that makes no sense hurts no other.

use super::{
    condition::ConditionContext, file::ReadableFile, flag, node::Node, plan::Plan, requires::Plans,
};
use crate::{
    diagnostic::{
        Diagnostic, Path,
        problems::{MOST_TOLD, Problems},
    },
    document::{
        check_count,
        kill_detection::{SwitchedOff, is_kill_of_the_one_before},
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
        let beside = kills_beside(&flags);
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
        kill_beside: Option<&str>,
        room: usize,
        terms: ConditionContext<'_>,
    ) -> (Option<Plan>, ReadFlag) {
        let path = Path::from("flags").member(key);
        let mut switches = Switches::of(copies, &path);
        if let Some(name) = kill_beside {
            switches.kill_beside(name, &path);
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
        (plan, ReadFlag { problems, switched_off })
    }
}

/// The kills that stand among the flags because their indentation was lost, by the flag before them.
fn kills_beside<'m>(flags: &'m Members<'_>) -> BTreeMap<&'m str, &'m str> {
    let (mut beside, mut before) = (BTreeMap::new(), None);
    for (name, value) in &flags.0 {
        if value.get().starts_with('{') {
            before = Some(&**name);
        } else if let Some(key) = before.filter(|_| is_kill_of_the_one_before(name, value)) {
            beside.insert(key, &**name);
        }
    }
    beside
}
