//! The shape that values of a flag have to have: `schema: { timeout_ms: integer, methods: [string] }`
//!
//! A shape is written like a value: a mapping of members (with `?` behind what may be missing), a
//! list with the shape of its elements, or the name of a type. The names are JSON Schema's
//! (<https://json-schema.org/understanding-json-schema/reference/type>).

use super::node::Node;
use crate::{
    diagnostic::{Path, problems::Problems, suggest::suggest},
    document::{integers, json::Json},
};

const TYPES: [&str; 6] = ["string", "number", "integer", "boolean", "object", "any"];

/// Deeper than any configuration, and not as deep as a stack is.
const MAX_DEPTH: usize = 16;

/// Checks every variant, if they are written.
pub(super) fn check(schema: &Node<'_>, written: Option<&Node<'_>>, found: &mut Problems) {
    if !makes_sense(schema, 0, found) {
        return;
    }
    let Some(written) = written else {
        let help = "remove it, or write variants";
        return found.push(schema.error("says the shape of on and off", help));
    };
    for (_, value) in written.members() {
        fits(&value, schema.value, found);
    }
}

/// Whether the shape itself does; what does not is told.
fn makes_sense(shape: &Node<'_>, depth: usize, found: &mut Problems) -> bool {
    if depth > MAX_DEPTH {
        found.push(shape.error(format!("is nested deeper than {MAX_DEPTH}"), "write any there"));
        return false;
    }
    match shape.value {
        Json::String(name) if TYPES.contains(&&*name.get()) => true,
        Json::String(name) => {
            let name = name.get();
            let help = suggest(&name, TYPES, &format!("the types are {}", TYPES.join(", ")));
            found.push(shape.error(format!("\"{name}\" is no type"), help));
            false
        }
        Json::Array(elements) if elements.len() == 1 => {
            shape.elements().all(|element| makes_sense(&element, depth + 1, found))
        }
        Json::Object(_) => {
            let parts: Vec<bool> =
                shape.members().map(|(_, part)| makes_sense(&part, depth + 1, found)).collect();
            parts.iter().all(|good| *good)
        }
        _ => {
            let help = "write a type, [TYPE] for a list, or a mapping of members to types";
            found.push(shape.error("is no shape", help));
            false
        }
    }
}

fn fits(node: &Node<'_>, shape: Json<'_>, found: &mut Problems) {
    match (shape, node.value) {
        (Json::Array(of), Json::Array(_)) => {
            for element in node.elements() {
                of.iter().for_each(|shape| fits(&element, shape, found));
            }
        }
        (Json::Object(members), Json::Object(given)) => {
            for (name, shape) in members.members() {
                let (name, is_optional) =
                    name.strip_suffix('?').map_or((&*name, false), |name| (name, true));
                match given.get(name) {
                    Some(value) => {
                        fits(&Node::new(value, node.path.member(name)), shape, found);
                    }
                    None if is_optional => {}
                    None => {
                        let help = format!("add it, or write \"{name}?\" in the schema");
                        found.push(node.error(format!("has no \"{name}\""), help));
                    }
                }
            }
            let names: Vec<_> = members.members().map(|(name, _)| name).collect();
            let known = || names.iter().map(|name| name.strip_suffix('?').unwrap_or(name));
            for (name, value) in given.members().filter(|(name, _)| !known().any(|k| k == name)) {
                let path: Path = node.path.member(&name);
                let help = suggest(&name, known(), "remove it, or add it to the schema");
                found.push(Node::new(value, path).error("is not in the schema", help));
            }
        }
        (Json::String(name), Json::Number(number))
            if name.is("integer")
                && number.as_f64().trunc() == number.as_f64()
                && let Some(message) = integers::inexact(&number.get()) =>
        {
            let help = "write a smaller integer, or declare schema: string and put it in quotes";
            found.replace_warning(node.error(message, help));
        }
        (Json::String(name), value) if is_of_type(value, &name.get()) => {}
        _ => {
            let wanted = match shape {
                Json::String(name) => name.get().into_owned(),
                Json::Array(_) => "list".to_owned(),
                _ => "mapping".to_owned(),
            };
            let help = "mend the value, or the schema of the flag";
            found.push(node.error(format!("is no {wanted}, as the schema wants it"), help));
        }
    }
}

fn is_of_type(value: Json<'_>, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.trunc() == number),
        "boolean" => matches!(value, Json::Bool(_)),
        "object" => value.is_object(),
        _ => true,
    }
}
