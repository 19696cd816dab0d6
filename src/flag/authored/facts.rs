//! What is told about a flag (who owns it, why it is there, when it must go), as flat metadata.

use super::node::Node;
use crate::flag::problems::Problems;
use serde_json::{Map, Value as Json};

/// Members of a flag that become members of its metadata.
const FACTS: [&str; 7] = ["owner", "why", "kind", "expires", "created", "ticket", "feature"];

/// Whether a member of the metadata is written as a member of the flag.
pub(super) fn is_fact(name: &str) -> bool {
    FACTS.contains(&name)
}

/// The facts and the metadata, flat.
pub(super) fn metadata(node: &Node<'_>, found: &mut Problems) -> Map<String, Json> {
    let mut metadata = match node.member("metadata") {
        None => Map::new(),
        Some(more) => match more.value {
            Json::Object(members) => members.clone(),
            _ => {
                found.push(more.error("is not an object", "write names and values"));
                Map::new()
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
                Json::String(texts.join(", "))
            }
            value => value.clone(),
        };
        metadata.insert(name.to_owned(), value);
    }
    metadata
}
