//! What a flag can answer, and which of it by default.

use crate::{
    diagnostic::{Diagnostic, Path, problems::Problems, suggest::suggest_one_of_few},
    document::json::{Json, encode_object},
    flag::{Variant, VariantValue},
};
use std::{borrow::Cow, sync::Arc};

/// The variants of a flag, ordered by name; `None` if they are no variants at all.
pub(super) fn compile(
    variants: Option<Json<'_>>,
    path: &Path,
    found: &mut Problems,
) -> Option<Arc<[Variant]>> {
    let variants = match variants {
        Some(Json::Object(variants)) => Some(variants),
        None | Some(Json::Null) => None,
        Some(_) => {
            let help = "make it an object of values by variant name";
            found.push(Diagnostic::error(path, "is not an object", help));
            return None;
        }
    };
    let variant = |(name, value): (Cow<'_, str>, _)| Variant {
        name: name.into(),
        value: variant_value(value),
    };
    let variants = match variants {
        Some(variants) => variants.members().map(variant).collect(),
        None => Arc::default(),
    };
    for variant in &*variants {
        if let VariantValue::Other(_) = variant.value {
            let help = "clients get a type mismatch; use a boolean, string, number or object";
            let path = path.member(&variant.name);
            found.push(Diagnostic::warning(path, "is a list or null", help));
        }
    }
    let kind = std::mem::discriminant;
    if variants.windows(2).any(|pair| matches!(pair, [a, b] if kind(&a.value) != kind(&b.value))) {
        let help = "give every variant of a flag the same type";
        found.push(Diagnostic::warning(path, "mixes types", help));
    }
    Some(variants)
}

fn variant_value(value: Json<'_>) -> VariantValue {
    match value {
        Json::Bool(bit) => VariantValue::Bool(bit),
        Json::String(text) => VariantValue::String(text.get().into()),
        Json::Number(number) => VariantValue::Number(number.as_f64()),
        Json::Object(members) => VariantValue::Object(encode_object(members)),
        Json::Null | Json::Array(_) => VariantValue::Other(value.to_canonical().into()),
    }
}

/// The place of the default variant, if the flag, which is `here`, has one and its variants are
/// known.
pub(super) fn find_default(
    default: Json<'_>,
    variants: Option<&[Variant]>,
    here: &Path,
    found: &mut Problems,
) -> Option<usize> {
    let path = here.member("defaultVariant");
    let place_of = |name: &str| variants?.iter().position(|variant| *variant.name == *name);
    let name = match default {
        Json::Null => Cow::Borrowed(""),
        Json::String(name) => name.get(),
        other => {
            let name = other.to_canonical();
            let help = match place_of(&name) {
                Some(_) => format!("put it in quotes: \"{name}\""),
                None => "name one of the variants, or leave it out for the caller's default".into(),
            };
            found.push(Diagnostic::error(path, "is not a string", help));
            return None;
        }
    };
    // Of variants that could not be read nothing more is said: one mistake is one problem.
    let variants = variants?;
    // An empty name is none, even if a variant is called so.
    let place = if name.is_empty() { None } else { place_of(&name) };
    if variants.is_empty() {
        let path = here.member("variants");
        found.push(if name.is_empty() {
            let help = "a flag without variants can only ever give the caller's default";
            Diagnostic::warning(path, "has no variant", help)
        } else {
            let message = format!("has no variant, but \"{name}\" is the default");
            Diagnostic::error(path, message, format!("add a variant \"{name}\""))
        });
    } else if place.is_none() && !name.is_empty() {
        let message = format!("\"{name}\" is not a variant");
        let names = variants.iter().map(|variant| &*variant.name);
        let help = suggest_one_of_few(&name, names, "name one of the variants, or add it to them");
        found.push(Diagnostic::error(path, message, help));
    }
    place
}
