//! The definitions of a file as they are served: only the members that are read, each as it was
//! understood.

use super::{FileForm, written_out::write_out};
use crate::{
    compile::scope::FileScope,
    diagnostic::{Diagnostic, Path, problems::Problems},
    document::{
        members::Members,
        text::{DocumentText, Format},
    },
    flag::{Behaviour, Flag, rule::Generation},
    flag_file::layer::{Layer, Standing},
    readable::{Lists, Translation},
};
use serde_json::{Map, Value as Json, value::RawValue};

/// The definitions behind a compiled `layer`, as flagd reads them; `None` if the file has none. An
/// error says why they cannot be written that way.
///
/// A flag that cannot be served is left out.
pub fn definitions_of(
    lists: &Lists,
    content: &[u8],
    format: Format,
    fallback: Generation,
    layer: &Layer,
) -> Option<Result<Map<String, Json>, Diagnostic>> {
    let written = DocumentText::read(content, format).ok()?;
    let mut found = Problems::with_room(0);
    let source = FileForm::read(&written, lists, fallback, &mut found).ok()?;
    let document = source.document(&mut found).ok()?;
    let scope = FileScope::read(&document, source.text(), fallback, layer.evaluators(), &mut found);
    let mut flags = Map::new();
    for definition in &document.flags {
        let served = layer.get(&definition.key).filter(|flag| flag.standing() == Standing::Good);
        if let Some(served) = served {
            let flag = definition_of(served.flag(), definition.raw);
            flags.insert(definition.key.clone().into_owned(), flag.into());
        }
    }
    let mut metadata = scope.metadata();
    // Who gets what must not depend on an option of the reader.
    metadata.insert("fractional".to_owned(), scope.generation().as_str().into());
    if let Some((name, cycle)) = scope.evaluators().first_cycle() {
        let path = Path::from("$evaluators").member(name);
        let help = "an evaluator cannot refer to itself, directly or through others";
        return Some(Err(Diagnostic::error(path, format!("is part of a cycle: {cycle}"), help)));
    }
    let evaluators = scope.evaluators().texts();
    let evaluators = evaluators
        .filter_map(|(name, rule)| Some((name.to_owned(), serde_json::from_str(rule).ok()?)))
        .collect();
    let evaluators = match &source {
        FileForm::Written(..) => evaluators,
        FileForm::Translated(_, translation) => {
            let Translation { required, inner, .. } = &**translation;
            match write_out(&mut flags, &evaluators, required, inner) {
                Ok(evaluators) => evaluators,
                Err(error) => return Some(Err(error)),
            }
        }
    };
    let mut file = Map::new();
    file.insert("flags".to_owned(), flags.into());
    file.insert("metadata".to_owned(), metadata.into());
    if !evaluators.is_empty() {
        file.insert("$evaluators".to_owned(), evaluators.into());
    }
    Some(Ok(file))
}

/// The members that a flag was compiled from, each under its own name.
fn definition_of(flag: &Flag, raw: &RawValue) -> Map<String, Json> {
    let members = Members::parse(raw).unwrap_or_default();
    let mut definition = Map::new();
    let state = match flag.behaviour {
        Behaviour::Disabled => "DISABLED",
        Behaviour::Static | Behaviour::Targeted(_) | Behaviour::Broken(_) => "ENABLED",
    };
    definition.insert("state".to_owned(), state.into());
    for name in ["variants", "defaultVariant", "targeting", "metadata", "description"] {
        let value = members.get(name).and_then(|raw| serde_json::from_str(raw.get()).ok());
        // A flag that is switched off is served whatever its other members are.
        let is_read = |value: &Json| match name {
            "variants" | "metadata" => value.is_object(),
            "defaultVariant" | "description" => value.is_string(),
            // A rule that is null is a rule.
            _ => true,
        };
        if let Some(value) = value.filter(is_read) {
            definition.insert(name.to_owned(), value);
        }
    }
    definition
}
