//! What is told about a flag (who owns it, why it is there, when it must go), as flat metadata.

use super::{node::Node, rule_text::RuleText, variants::put_member};
use crate::{
    diagnostic::problems::Problems,
    document::{
        json::Json,
        kill_detection::{is_kill, reads_as_true},
    },
};
use std::collections::BTreeMap;

/// Members of a flag that become members of its metadata.
const FACTS: [&str; 7] = ["owner", "why", "kind", "expires", "created", "ticket", "feature"];

/// Whether a member of the metadata is written as a member of the flag.
pub(super) fn is_fact(name: &str) -> bool {
    FACTS.contains(&name)
}

/// The facts and the metadata, flat, as an object; `None` if there are none.
pub(super) fn metadata(node: &Node<'_>, found: &mut Problems) -> Option<Box<str>> {
    let mut metadata = match node.member("metadata") {
        None => BTreeMap::new(),
        Some(more) => match more.value {
            Json::Object(members) => {
                // A kill is an error of the flag, and is told there.
                let facts = members
                    .members()
                    .filter(|(name, value)| !(is_kill(name) && reads_as_true(*value)));
                facts.map(|(name, value)| (name, RuleText::of(value))).collect()
            }
            _ => {
                found.push(more.error("is not an object", "write names and values"));
                BTreeMap::new()
            }
        },
    };
    let facts = FACTS.iter().filter_map(|name| Some((*name, node.member(name)?)));
    // A description is the reason, and a note beside one.
    let name = if node.member("why").is_some() { "description" } else { "why" };
    let description = node.member("description").map(|description| (name, description));
    for (name, fact) in facts.chain(description) {
        let value = match fact.value {
            Json::Object(_) => {
                found.push(fact.error("is not a text", "write it on one line"));
                continue;
            }
            Json::Array(_) => {
                let texts: Vec<_> =
                    fact.elements().filter_map(|text| text.text("a text", found)).collect();
                RuleText::text(&texts.join(", "))
            }
            value => RuleText::of(value),
        };
        metadata.insert(name.into(), value);
    }
    if metadata.is_empty() {
        return None;
    }
    let mut out = "{".to_owned();
    for (name, value) in &metadata {
        put_member(&mut out, name, value.as_str());
    }
    out.push('}');
    Some(out.into())
}
