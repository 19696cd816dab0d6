//! Segments: conditions with a name, written once and used by many flags.
//!
//! Each becomes an evaluator of the file, which refers to those of other segments. Not every
//! implementation of flagd reads such references, so an export has them written out.

use super::{
    condition::{self, ConditionContext},
    lists,
    node::Node,
    rule_text::RuleText,
};
use crate::readable::lists::Lists;
use crate::{
    diagnostic::{Diagnostic, Path, Target, problems::Problems, suggest::nearest},
    document::json::{Json, JsonObject},
    readable::{clock::Clock, expansion_budget::ExpansionBudget},
};
use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

/// The segments of a file, and the lists beside it.
#[derive(Debug)]
pub(super) struct Segments<'a> {
    /// `None` for one that makes no sense: its author was told, once.
    rules: BTreeMap<String, Option<RuleText>>,
    /// The names of all segments, those included that are still to be read.
    names: BTreeSet<String>,
    /// Segments are still being read, and no flags yet.
    reading: bool,
    lists: &'a Lists,
    /// Membership in lists, by the names of the evaluators that ask for it.
    memberships: RefCell<BTreeMap<String, Membership>>,
    room: ExpansionBudget,
}

/// The condition that an attribute is in a list.
#[derive(Debug)]
struct Membership {
    rule: RuleText,
    /// A flag asks for it, and not only segments.
    of_flags: bool,
}

/// Segments as they are written.
struct WrittenSegments<'a> {
    path: &'a Path,
    by_name: BTreeMap<Cow<'a, str>, Json<'a>>,
}

/// Segments may refer to segments, as deep as the stack that reads them bears easily.
const MAX_DEPTH: usize = 100;

impl<'a> Segments<'a> {
    /// Reads all segments, those first that others refer to. Diagnostics for the `faulty` ones exist
    /// already.
    pub(super) fn read(
        node: Option<&Node<'_>>,
        faulty: BTreeSet<Box<str>>,
        lists: &'a Lists,
        clock: &Clock,
        found: &mut Problems,
    ) -> Self {
        let mut segments = Self {
            rules: faulty.into_iter().map(|name| (name.into(), None)).collect(),
            names: BTreeSet::new(),
            reading: true,
            lists,
            memberships: RefCell::default(),
            room: ExpansionBudget::new(),
        };
        match node {
            Some(all) if all.value.is_object() => {
                let members = all.value.as_object().into_iter().flat_map(JsonObject::members);
                let all = WrittenSegments { path: &all.path, by_name: members.collect() };
                segments.names = all.by_name.keys().map(|name| name.clone().into_owned()).collect();
                for name in all.by_name.keys() {
                    segments.add(&mut vec![name.clone().into_owned()], &all, clock, found);
                }
            }
            Some(node) => {
                found.push(node.error("is not an object", "write conditions by name"));
            }
            None => {}
        }
        segments.reading = false;
        segments
    }

    /// Adds the segment that the last of `names` is, each of which refers to the next.
    fn add(
        &mut self,
        names: &mut Vec<String>,
        all: &WrittenSegments<'_>,
        clock: &Clock,
        found: &mut Problems,
    ) {
        let Some(name) = names.last().filter(|name| !self.rules.contains_key(*name)).cloned()
        else {
            return;
        };
        let value = all.by_name.get(&*name).copied();
        let path = all.path.member(&name);
        let Some(value) = value.filter(|value| !value.is_null()) else {
            // Of one that is not there, whoever names it is told.
            if value.is_some() {
                let path = path.target(Target::Name);
                let help = "write a condition below it, such as plan: enterprise";
                found.push(Diagnostic::error(path, "is empty", help));
                self.rules.insert(name, None);
            }
            return;
        };
        let node = Node::new(value, path);
        let mut is_good = true;
        for needed in segments_in(node.value) {
            if names.len() > MAX_DEPTH {
                let help = "write some of them out";
                let message =
                    format!("names segments that name segments, more than {MAX_DEPTH} deep");
                found.push(node.error(message, help));
                is_good = false;
            } else if names.contains(&needed) {
                let circle = format!("{} -> {needed}", names.join(" -> "));
                let message = format!("refers to itself: {circle}");
                found.push(node.error(message, "write the condition out in one of them"));
                is_good = false;
            } else {
                names.push(needed);
                self.add(names, all, clock, found);
                names.pop();
            }
        }
        let rule = match is_good {
            true => condition::rule(&node, ConditionContext::new(clock, self), found),
            false => None,
        };
        self.rules.insert(name, rule);
    }

    /// The rule that stands for a segment.
    pub(super) fn reference(
        &self,
        name: &str,
        node: &Node<'_>,
        found: &mut Problems,
    ) -> Option<RuleText> {
        match self.rules.get(name) {
            Some(Some(_)) => Some(RuleText::reference(name)),
            Some(None) => {
                let message = format!("the segment \"{name}\" has an error");
                let error = node.error(message, "mend it where it is defined");
                found.push(error.because_of(format!("segments.{name}")));
                None
            }
            None => {
                let names = self.rules.keys().map(String::as_str);
                let help = match nearest(name, self.room.names(names)) {
                    Some(near) => format!("did you mean {near}?"),
                    None if name.contains(['=', '<', '>']) => {
                        "write attribute: value, such as { plan: enterprise, age: \">= 18\" }"
                            .to_owned()
                    }
                    None => "define it under segments, or write attribute: value".to_owned(),
                };
                found.push(node.error(format!("\"{name}\" is no segment"), help));
                None
            }
        }
    }

    pub(super) fn room(&self) -> &ExpansionBudget {
        &self.room
    }

    /// The condition that an attribute is in a list. Flags refer to it, so that a list is written once.
    pub(super) fn membership(
        &self,
        (name, attribute): (&str, &RuleText),
        list: &str,
        node: &Node<'_>,
        found: &mut Problems,
    ) -> Option<RuleText> {
        let entries = self.list(list, node, found)?;
        let mut name = format!("{name} in {list}");
        while self.names.contains(&name) {
            name.push('\'');
        }
        let mut memberships = self.memberships.borrow_mut();
        let membership = memberships.entry(name.clone()).or_insert_with(|| Membership {
            rule: RuleText::compare("in", attribute, &RuleText::texts(entries)),
            of_flags: false,
        });
        membership.of_flags |= !self.reading;
        Some(RuleText::reference(&name))
    }

    /// The entries of a list file.
    fn list(&self, name: &str, node: &Node<'_>, found: &mut Problems) -> Option<&[Box<str>]> {
        let (message, help) = match self.lists.get(name) {
            Some(Ok(list)) => return Some(list),
            _ if !lists::is_name(name) => (
                format!("\"{name}\" is no name of a file beside this one"),
                "write a plain name such as beta-users.txt, without a directory",
            ),
            Some(Err(why)) => (
                format!("the list \"{name}\": {why}"),
                match why.ends_with("not found") {
                    true => "put it into the directory of this file, one entry on a line",
                    false => "correct the list: a text file in UTF-8, one entry on a line",
                },
            ),
            None => (format!("nobody has read the list \"{name}\""), "give the file by its name"),
        };
        found.push(node.error(message, help).because_of(format!("lists.{name}")));
        None
    }

    /// Whether there is an evaluator of this name.
    pub(super) fn has_evaluator(&self, name: &str) -> bool {
        self.names.contains(name) || self.memberships.borrow().contains_key(name)
    }

    /// The evaluators of the file.
    pub(super) fn into_evaluators(self) -> impl Iterator<Item = (String, RuleText)> {
        let good = self.rules.into_iter().filter_map(|(name, rule)| Some((name, rule?)));
        let memberships = self.memberships.into_inner().into_iter();
        good.chain(memberships.map(|(name, membership)| (name, membership.rule)))
    }

    /// The names of those evaluators that only segments refer to.
    pub(super) fn inner(&self) -> BTreeSet<String> {
        let memberships = self.memberships.borrow();
        let inner = memberships.iter().filter(|(_, membership)| !membership.of_flags);
        inner.map(|(name, _)| name.clone()).collect()
    }
}

/// The segments that a condition names.
fn segments_in(condition: Json<'_>) -> Vec<String> {
    match condition {
        Json::String(name) => vec![name.get().into_owned()],
        Json::Array(parts) => parts.iter().flat_map(segments_in).collect(),
        Json::Object(members) => {
            let nested = members.members();
            let nested = nested.filter(|(name, _)| ["any", "all", "not"].contains(&&**name));
            nested.flat_map(|(_, part)| segments_in(part)).collect()
        }
        _ => Vec::new(),
    }
}
