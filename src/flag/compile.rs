//! From a definition file to flags: every problem is found here, and all of them are reported.
//!
//! A definition that cannot be served keeps its last good flag (see [`layer`](super::layer)); what
//! flagd would load with a shrug is loaded with a warning.

mod fractional;
mod operators;
mod results;
mod rule;
mod set;

use super::{
    Behaviour, Digest, Digests, Flag, Generation, Layer, Variant, VariantValue,
    definition::{Document, Members},
    diagnostic::{Diagnostic, Level, suggest},
    encoded::encode_object,
    layer::{LayerFlag, Standing},
};
use rule::RuleCompiler;
use serde_json::{Map, Value as Json, value::RawValue};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, sync::Arc};

/// A file's flags, and what its author should know.
#[derive(Debug)]
pub struct Compilation {
    /// The flags.
    pub layer: Layer,
    /// Every problem found, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// What flags of one file share.
#[derive(Debug)]
struct FileScope {
    evaluators: BTreeMap<String, Json>,
    metadata: Map<String, Json>,
    generation: Generation,
    digest: Digest,
}

/// Compiles a file's text over what the same file gave before.
///
/// `fallback` is the fractional generation of a file that does not say one. Nothing is served from
/// a file that is no document at all; its problem is then the error.
pub fn compile(
    text: &str,
    fallback: Generation,
    previous: &Layer,
) -> Result<Compilation, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let document = match Document::parse(text, &mut diagnostics) {
        Ok(document) => document,
        Err(error) => {
            diagnostics.push(error);
            return Err(diagnostics);
        }
    };
    let scope = FileScope::read(&document, fallback, &mut diagnostics);
    let mut layer = Layer::default();
    for (key, definition) in &document.flags {
        if key.is_empty() {
            let help = "nobody can ask for it; give it a key";
            diagnostics.push(Diagnostic::warning("flags", "has a flag with an empty key", help));
            continue;
        }
        let before = previous.get(key);
        let source = digest([&scope.digest, key.as_bytes(), definition.get().as_bytes()]);
        if let Some(same) = before.filter(|before| before.was_compiled_from(&source)) {
            diagnostics.extend_from_slice(same.problems());
            layer.insert(same.clone());
            continue;
        }
        let mut found = Vec::new();
        let flag = compile_flag(key, definition, source, &scope, &mut found);
        layer.insert(match flag {
            Some(flag) => LayerFlag::new(Arc::new(flag), Standing::Good, &found),
            None => quarantine(key, source, before, &found),
        });
        diagnostics.append(&mut found);
    }
    Ok(Compilation { layer, diagnostics })
}

/// The last good flag under this key or, if there never was one, a flag that says what is wrong.
fn quarantine(
    key: &str,
    source: Digest,
    before: Option<&LayerFlag>,
    found: &[Diagnostic],
) -> LayerFlag {
    if let Some(good) = before.filter(|before| before.standing() != Standing::Broken) {
        return LayerFlag::new(Arc::clone(good.flag()), Standing::Quarantined, found);
    }
    let why = found
        .iter()
        .find(|diagnostic| diagnostic.level == Level::Error)
        .map(|error| format!("{} {}", error.path, error.message));
    let flag = Flag {
        key: key.into(),
        behaviour: Behaviour::Broken(why.unwrap_or_default().into()),
        variants: Box::default(),
        default: None,
        metadata: Box::default(),
        split: None,
        digests: Digests { source, targeting: source, meaning: source },
    };
    LayerFlag::new(Arc::new(flag), Standing::Broken, found)
}

impl FileScope {
    fn read(document: &Document<'_>, fallback: Generation, found: &mut Vec<Diagnostic>) -> Self {
        let mut evaluators = BTreeMap::new();
        for (name, rule) in &document.evaluators.0 {
            match serde_json::from_str(rule.get()) {
                Ok(rule) => {
                    evaluators.insert(name.clone().into_owned(), rule);
                }
                Err(error) => found.push(Diagnostic::warning(
                    format!("$evaluators.{name}"),
                    error.to_string(),
                    "rules that refer to it answer PARSE_ERROR",
                )),
            }
        }
        let mut metadata = match document.metadata {
            None => Map::new(),
            Some(raw) => serde_json::from_str(raw.get()).unwrap_or_else(|_| {
                let help = "make it an object of strings, numbers and booleans";
                found.push(Diagnostic::warning("metadata", "is not an object", help));
                Map::new()
            }),
        };
        // The generation configures the file, so it is no metadata of an answer.
        let generation = match metadata.remove("fractional") {
            None => fallback,
            Some(Json::String(name)) if name == "v2" => Generation::V2,
            Some(Json::String(name)) if name == "v3" => Generation::V3,
            Some(_) => {
                let message = "is no generation of fractional, so it is ignored";
                let help = "write \"v2\" or \"v3\"";
                found.push(Diagnostic::warning("metadata.fractional", message, help));
                fallback
            }
        };
        let shared = serde_json::to_vec(&(&evaluators, &metadata)).unwrap_or_default();
        let digest = digest([&[generation as u8], shared.as_slice()]);
        Self { evaluators, metadata, generation, digest }
    }
}

/// Hashes parts so that no two different lists of parts look alike.
fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Compiles one flag; `None` if it cannot be served, for a reason among the errors found.
fn compile_flag(
    key: &str,
    definition: &RawValue,
    source: Digest,
    scope: &FileScope,
    found: &mut Vec<Diagnostic>,
) -> Option<Flag> {
    let path = |member: &str| format!("flags.{key}.{member}");
    let Some(members) = Members::parse(definition) else {
        let message = "is not an object that can be read";
        let help = "a flag has a \"state\", \"variants\" and a \"defaultVariant\"";
        found.push(Diagnostic::error(format!("flags.{key}"), message, help));
        return None;
    };
    let read = |member: &str, found: &mut Vec<Diagnostic>| {
        let raw = members.get(member)?;
        serde_json::from_str::<Json>(raw.get())
            .inspect_err(|error| {
                let help = "numbers must fit a double and nest at most 127 deep";
                found.push(Diagnostic::error(path(member), error.to_string(), help));
            })
            .ok()
    };
    let disabled = is_disabled(read("state", found), &path("state"), found);
    let variants = compile_variants(read("variants", found), &path("variants"), found);
    let default = read("defaultVariant", found).unwrap_or(Json::Null);
    let default = find_default(&default, &variants, &path("defaultVariant"), found);
    let metadata = merge_metadata(scope, read("metadata", found), &path("metadata"), found);

    let targeting = read_targeting(members.get("targeting")).unwrap_or_else(|error| {
        let help = "numbers must fit a double and rules nest at most 63 deep";
        found.push(Diagnostic::error(path("targeting"), error.to_string(), help));
        None
    });
    let mut compiler = RuleCompiler::new(scope, path("targeting"), found);
    let rule = targeting.as_ref().and_then(|rule| compiler.compile(rule));
    let references = compiler.references();
    if let Some(rule) = &rule {
        results::check(rule, &variants, &path("targeting"), found);
    }
    let split = rule.as_ref().and_then(fractional::only_split);
    if !disabled && found.iter().any(|diagnostic| diagnostic.level == Level::Error) {
        return None;
    }
    let behaviour = match rule {
        // A typo must not undo a kill: switched off is switched off, whatever else is broken.
        _ if disabled => Behaviour::Disabled,
        None => Behaviour::Static,
        Some(rule) => Behaviour::Targeted(rule),
    };
    let targeting = serde_json::to_vec(&(&targeting, references)).unwrap_or_default();
    let targeting = digest([&[scope.generation as u8], targeting.as_slice()]);
    let meaning = meaning(disabled, &variants, default, &metadata, &targeting);
    let digests = Digests { source, targeting, meaning };
    Some(Flag { key: key.into(), behaviour, variants, default, metadata, split, digests })
}

/// The rule as written; an absent one and exactly `{}` mean that there is none.
fn read_targeting(raw: Option<&RawValue>) -> Result<Option<Json>, serde_json::Error> {
    let Some(raw) = raw else { return Ok(None) };
    let rule: Json = serde_json::from_str(raw.get())?;
    let empty = rule.as_object().is_some_and(Map::is_empty);
    Ok((!empty).then_some(rule))
}

fn is_disabled(state: Option<Json>, path: &str, found: &mut Vec<Diagnostic>) -> bool {
    let enabled = "such a flag counts as enabled; write \"ENABLED\" or \"DISABLED\"";
    match state {
        Some(Json::String(state)) if state == "DISABLED" => return true,
        Some(Json::String(state)) if state == "ENABLED" => {}
        Some(Json::String(state)) => {
            let message = format!("\"{state}\" is no state");
            let help = match state.eq_ignore_ascii_case("disabled") {
                true => "the flag is NOT switched off; write \"DISABLED\"",
                false => enabled,
            };
            found.push(Diagnostic::warning(path, message, help));
        }
        None | Some(Json::Null) => found.push(Diagnostic::warning(path, "is missing", enabled)),
        Some(_) => {
            let help = "write \"ENABLED\" or \"DISABLED\"";
            found.push(Diagnostic::error(path, "is not a string", help));
        }
    }
    false
}

fn compile_variants(
    variants: Option<Json>,
    path: &str,
    found: &mut Vec<Diagnostic>,
) -> Box<[Variant]> {
    let variants = match variants {
        Some(Json::Object(variants)) => variants,
        None | Some(Json::Null) => Map::new(),
        Some(_) => {
            let help = "make it an object of values by variant name";
            found.push(Diagnostic::error(path, "is not an object", help));
            return Box::default();
        }
    };
    if variants.is_empty() {
        let help = "a flag without variants can only ever give the caller's default";
        found.push(Diagnostic::warning(path, "has no variant", help));
    }
    let variants: Box<[_]> = variants
        .into_iter()
        .map(|(name, value)| Variant { name: name.into(), value: variant_value(value) })
        .collect();
    for variant in &variants {
        if let VariantValue::Other(_) = variant.value {
            let path = format!("{path}.{}", variant.name);
            let help = "clients get a type mismatch; use a boolean, string, number or object";
            found.push(Diagnostic::warning(path, "is a list or null", help));
        }
    }
    let kind = std::mem::discriminant;
    if variants.windows(2).any(|pair| matches!(pair, [a, b] if kind(&a.value) != kind(&b.value))) {
        let help = "give every variant of a flag the same type";
        found.push(Diagnostic::warning(path, "mixes types", help));
    }
    variants
}

fn variant_value(value: Json) -> VariantValue {
    match value {
        Json::Bool(bit) => VariantValue::Bool(bit),
        Json::String(text) => VariantValue::String(text.into()),
        Json::Number(number) => VariantValue::Number(number.as_f64().unwrap_or(f64::NAN)),
        Json::Object(members) => VariantValue::Object(encode_object(&members)),
        Json::Null | Json::Array(_) => VariantValue::Other(value.to_string().into()),
    }
}

fn find_default(
    default: &Json,
    variants: &[Variant],
    path: &str,
    found: &mut Vec<Diagnostic>,
) -> Option<usize> {
    let name = match default {
        Json::Null => return None,
        Json::String(name) if name.is_empty() => return None,
        Json::String(name) => name,
        _ => {
            let help = "name one of the variants, or leave it out for the caller's default";
            found.push(Diagnostic::error(path, "is not a string", help));
            return None;
        }
    };
    let place = variants.iter().position(|variant| *variant.name == **name);
    if place.is_none() {
        let message = format!("\"{name}\" is not a variant");
        let names = variants.iter().map(|variant| &*variant.name);
        let help = suggest(name, names, "name one of the variants, or add it to them");
        found.push(Diagnostic::error(path, message, help));
    }
    place
}

/// The flag's metadata over its file's; null values are dropped.
fn merge_metadata(
    scope: &FileScope,
    metadata: Option<Json>,
    path: &str,
    found: &mut Vec<Diagnostic>,
) -> Box<[u8]> {
    let mut merged = scope.metadata.clone();
    match metadata {
        None | Some(Json::Null) => {}
        Some(Json::Object(own)) => merged.extend(own),
        Some(_) => {
            let help = "make it an object of strings, numbers and booleans";
            found.push(Diagnostic::error(path, "is not an object", help));
        }
    }
    for (name, value) in &merged {
        if value.is_object() || value.is_array() {
            let message = "is not a string, number or boolean";
            let help = "in-process clients refuse it; keep metadata flat";
            found.push(Diagnostic::warning(format!("{path}.{name}"), message, help));
        }
    }
    encode_object(merged.iter().filter(|(_, value)| !value.is_null()))
}

fn meaning(
    disabled: bool,
    variants: &[Variant],
    default: Option<usize>,
    metadata: &[u8],
    targeting: &Digest,
) -> Digest {
    let default = default.map_or_else(String::new, |default| default.to_string());
    let mut parts: Vec<Vec<u8>> = vec![vec![u8::from(disabled)], default.into_bytes()];
    for variant in variants {
        parts.push(variant.name.as_bytes().to_vec());
        parts.push(match &variant.value {
            VariantValue::Bool(bit) => vec![b'b', u8::from(*bit)],
            VariantValue::Number(number) => [b"n", number.to_le_bytes().as_slice()].concat(),
            VariantValue::String(text) => [b"s", text.as_bytes()].concat(),
            VariantValue::Object(encoded) => [b"o", &**encoded].concat(),
            VariantValue::Other(json) => [b"j", json.as_bytes()].concat(),
        });
    }
    let parts = parts.iter().map(Vec::as_slice);
    digest(parts.chain([metadata, targeting.as_slice()]))
}

#[cfg(test)]
mod tests;
