//! Lists of units in files of their own, and which of them a readable file names.

use super::header::{VERSION, may_have};
use crate::document::{
    json::{Indexed, Json},
    members::Members,
    text::{DocumentText, Format},
};
use std::collections::{BTreeMap, BTreeSet};

/// A list of units that stands in a file of its own, or why it cannot be read.
pub type List = Result<Box<[Box<str>]>, String>;

/// Lists by the names of their files, which stand beside the flag file.
pub type Lists = BTreeMap<Box<str>, List>;

/// The operator that asks a list.
const OPERATOR: &str = "in_list";

/// Whether a list can have this name: a file beside the flag file, and nothing else of the disk.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0'])
}

/// The lists that a readable file names.
pub fn lists_named(content: &[u8], format: Format) -> BTreeSet<Box<str>> {
    let mut names = BTreeSet::new();
    // Most files name none, and need not be read twice.
    if !may_have(content, OPERATOR) {
        return names;
    }
    let Ok(text) = DocumentText::read(content, format) else { return names };
    if text.json().contains(OPERATOR)
        && let Ok(members) = serde_json::from_str::<Members<'_>>(text.json())
        && members.get(VERSION).is_some()
        && let Some(file) = Indexed::new(text.json())
    {
        gather(file.value(), &mut names);
    }
    names
}

fn gather(value: Json<'_>, names: &mut BTreeSet<Box<str>>) {
    match value {
        Json::Array(elements) => {
            elements.iter().for_each(|element| gather(element, names));
        }
        Json::Object(members) => {
            let name = members.get(OPERATOR).and_then(Json::as_str);
            names.extend(name.filter(|name| is_name(name)).map(Box::from));
            members.written().for_each(|(_, member)| gather(member, names));
        }
        _ => {}
    }
}
