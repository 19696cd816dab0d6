//! List files with an entry that is most likely not one value.

use super::{findings::Findings, operands::is_quoted, table::LIST_ENTRY};
use crate::lint::context::LintContext;
use flagstaff_core::{
    diagnostic::{Path, Step},
    readable::Lists,
};
use serde_json::Value as Json;
use std::collections::BTreeSet;

pub(super) fn look(page: &LintContext, lists: &Lists, found: &mut Findings<'_>) {
    if lists.is_empty() {
        return;
    }
    let flags = page.flags.iter().map(|flag| (&flag.written, flag.path()));
    let segments = [(&page.segments, Path::from("segments"))];
    let mut look = ListSearch { lists, told: BTreeSet::new() };
    for (part, mut path) in segments.into_iter().chain(flags) {
        look.below(part, &mut path, found);
    }
}

struct ListSearch<'a> {
    lists: &'a Lists,
    /// Lists that were looked at.
    told: BTreeSet<&'a str>,
}

impl<'a> ListSearch<'a> {
    /// Looks at every list that a part of the file names, where it is named first.
    fn below(&mut self, part: &'a Json, path: &mut Path, found: &mut Findings<'_>) {
        match part {
            Json::Object(members) => {
                for (name, member) in members {
                    path.enter(Step::Member(name.as_str().into()));
                    match member {
                        Json::String(list) if name == "in_list" => self.list(list, path, found),
                        member => self.below(member, path, found),
                    }
                    path.leave();
                }
            }
            Json::Array(elements) => {
                for (place, element) in elements.iter().enumerate() {
                    path.enter(Step::Place(place));
                    self.below(element, path, found);
                    path.leave();
                }
            }
            _ => {}
        }
    }

    fn list(&mut self, name: &'a str, path: &Path, found: &mut Findings<'_>) {
        let Some(Ok(entries)) = self.lists.get(name).filter(|_| self.told.insert(name)) else {
            return;
        };
        let odd = || entries.iter().filter_map(|entry| Some((entry, oddity(entry)?)));
        if let Some((entry, what)) = odd().next() {
            let others = match odd().count() {
                1 => String::new(),
                count => format!(", and {} more like it", count - 1),
            };
            let message = format!("\"{name}\" has an entry {what}: {entry}{others}");
            let help = "write one value on each line, without quotes or comments: the whole line is compared";
            found.tell(&LIST_ENTRY, path, message, help);
        }
    }
}

/// What an entry has in it that is most likely not part of a value.
fn oddity(entry: &str) -> Option<&'static str> {
    if is_quoted(entry) {
        return Some("in quotes");
    }
    if entry.contains(" #") || entry.contains("\t#") || entry.starts_with("//") {
        return Some("with a comment");
    }
    entry.contains([',', ';']).then_some("with a comma")
}
