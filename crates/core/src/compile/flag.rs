//! One definition to one flag.

use super::{
    evaluators::NamedRule,
    results,
    rule::RuleCompiler,
    scope::{FileScope, not_flat},
    variants,
};
use crate::{
    compile::flagd_state::{
        doubtful_state, holds_disabled, is_disabled, kill_in_flagds_format, safe_variant,
    },
    diagnostic::{Diagnostic, Path, Target, problems::Problems, suggest::suggest},
    document::{
        Definition, definition_value,
        json::{Indexed, Json, JsonObject},
        kill_detection::{is_kill, reads_as_kill, reads_as_switch},
        members::Members,
    },
    flag::{
        Behaviour, Digest, Digests, Flag, Variant, VariantValue, boundaries, digest::PartsHash,
        origin::Origin, rule::Rule,
    },
};
use serde_json::value::RawValue;
use std::sync::Arc;

/// The members of a flag that mean something; `key` does in a list of flags.
const KNOWN: [&str; 7] =
    ["state", "variants", "defaultVariant", "targeting", "metadata", "description", "key"];

/// Compiles one flag; `None` if it cannot be served, for a reason among the errors found.
pub(crate) fn compile(
    definition: &Definition<'_>,
    source: Digest,
    scope: &FileScope<'_>,
    found: &mut Problems,
) -> Option<Flag> {
    let key = &*definition.key;
    let here = Path::from("flags").member(key);
    let help = "a flag has a \"state\", \"variants\" and a \"defaultVariant\"";
    let is_not = Diagnostic::error(&here, "is not an object", help);
    let members = Members::read(definition.raw, is_not).map_err(|error| found.push(error)).ok()?;
    let killed = definition.is_killed(&members);
    let mut doubts = warn_of_names(&members, killed, &here, found);
    let read = |member: &str, found: &mut Problems| {
        let raw = members.get(member)?;
        definition_value::read(raw, &here.member(member), found)
            .map_err(|error| found.push(error))
            .ok()
    };
    let state = read("state", found);
    let disabled = is_disabled(state.as_ref().map(Indexed::value), &here.member("state"), found);
    let disabled = disabled || holds_disabled(definition, &members, &here, found);
    doubts.extend(doubtful_state(state.as_ref().map(Indexed::value), &here.member("state")));
    let known = variants(members.get("variants"), &here.member("variants"), scope, found);
    let default = read("defaultVariant", found);
    let default = default.as_ref().map_or(Json::Null, Indexed::value);
    let default = variants::find_default(default, known.as_deref(), &here, found);
    let metadata = read("metadata", found);
    let metadata = metadata.as_ref().map(Indexed::value);
    let says_why = metadata.is_some_and(|own| own.get("why").is_some());
    let description = read("description", found);
    let description = description.as_ref().map(Indexed::value).and_then(|description| {
        let text = description.as_str().filter(|_| !says_why).map(Box::<str>::from);
        if !description.is_string() && !description.is_null() {
            let help = "write a text: why the flag exists";
            found.push(Diagnostic::warning(here.member("description"), "is not a text", help));
        }
        text
    });
    let metadata = merge_metadata(scope, metadata, &here.member("metadata"), found);

    let path = here.member("targeting");
    let targeting = read("targeting", found);
    let targeting = targeting.as_ref().map(Indexed::value);
    // An absent rule and exactly `{}` mean that there is none.
    let targeting = targeting.filter(|rule| !rule.as_object().is_some_and(JsonObject::is_empty));
    let before = found.count();
    let mut compiler = RuleCompiler::new(scope, path.clone(), found);
    let rule = targeting.and_then(|rule| compiler.compile(rule));
    let references = compiler.references();
    let rule = rule.map(|rule| match members.get("targeting") {
        Some(raw) if found.count() == before => shared_if_equal(rule, raw, scope),
        _ => rule,
    });
    if let (Some(_), Some(rule), Some(variants)) = (&rule, targeting, &known) {
        results::check(rule, variants, scope, path, found);
    }
    let variants = known.unwrap_or_default();
    // A typo must not undo a kill: switched off is switched off, whatever else is broken.
    let default = match killed {
        true => safe_variant(&variants, default),
        false => default,
    };
    let is_off = disabled || (killed && default.is_some());
    let is_broken = found.has_error();
    // Alone they break no flag that flagd serves.
    found.extend(doubts);
    if is_off {
        found.only_warn();
    } else if is_broken {
        return None;
    }
    if killed {
        let served = default.filter(|_| !disabled).and_then(|default| variants.get(default));
        found.push(kill_in_flagds_format(&members, served, &here));
    }
    let behaviour = match rule {
        _ if disabled => Behaviour::Disabled,
        _ if killed => Behaviour::Static,
        None => Behaviour::Static,
        Some(rule) => Behaviour::Targeted(rule),
    };
    let boundaries = match &behaviour {
        Behaviour::Targeted(rule) => boundaries::of(rule),
        _ => Box::default(),
    };
    let mut hash = PartsHash::default();
    hash.part(&[scope.generation() as u8]);
    hash.json(targeting.filter(|_| !killed).unwrap_or(Json::Null));
    let references = references.iter().filter_map(|name| scope.evaluators().digest_of(name));
    references.for_each(|reference| hash.part(&reference));
    let targeting = hash.finish();
    let said = (&*metadata, description.as_deref());
    let meaning = meaning(disabled, &variants, default, said, &targeting);
    let digests = Digests { source, targeting, meaning, definition: meaning };
    Some(Flag {
        key: key.into(),
        behaviour,
        variants,
        default,
        metadata,
        description,
        boundaries,
        origin: Origin { killed, ..Origin::default() },
        digests,
    })
}

/// The rule, or the evaluator that has the same text: the rule of a flag that others require is
/// also an evaluator, and need not be kept twice.
fn shared_if_equal(rule: Rule, raw: &RawValue, scope: &FileScope<'_>) -> Rule {
    let same = scope.evaluators().of_text(raw.get());
    let same = same.and_then(|name| scope.evaluators().get(name, scope));
    match same {
        Some(NamedRule { rule: Some(shared), diagnostics, .. }) if diagnostics.is_empty() => {
            Rule::Shared(shared)
        }
        _ => rule,
    }
}

/// The variants of a flag; `None` if they cannot be read.
fn variants(
    raw: Option<&RawValue>,
    path: &Path,
    scope: &FileScope<'_>,
    found: &mut Problems,
) -> Option<Arc<[Variant]>> {
    let Some(raw) = raw else { return variants::compile(None, path, found) };
    if let Some(same) = scope.interned().variants(raw.get()) {
        return Some(same);
    }
    let before = found.count();
    let written =
        definition_value::read(raw, path, found).map_err(|error| found.push(error)).ok()?;
    let variants = variants::compile(Some(written.value()), path, found)?;
    if found.count() == before {
        scope.interned().keep_variants(raw.get(), &variants);
    }
    Some(variants)
}

/// Warns of members that are written twice, and of those that nothing reads. Returns the errors of those
/// that may have been meant as a kill.
fn warn_of_names(
    members: &Members<'_>,
    killed: bool,
    here: &Path,
    found: &mut Problems,
) -> Vec<Diagnostic> {
    let mut doubts = Vec::new();
    members.warn_of_duplicates(here, &KNOWN, found);
    // A kill is an error, with the same help.
    let is_told = |name: &str| killed && is_kill(name);
    let is_known = |name: &str| KNOWN.iter().any(|known| name.eq_ignore_ascii_case(known));
    let unknown = members.0.iter().map(|(name, value)| (&**name, *value));
    for (name, value) in unknown.filter(|(name, _)| !is_known(name) && !is_told(name)) {
        let path = here.member(name).target(Target::Name);
        if reads_as_kill(name, value) {
            let help = "this format has no kill: make the safe variant the defaultVariant, and \
                remove targeting; or write \"state\": \"DISABLED\"";
            doubts.push(Diagnostic::error(path, "is not a member of a flag", help));
            continue;
        }
        let otherwise = "nothing reads it; notes belong into \"metadata\"";
        let help = match name {
            "killed" => "this format has no kill: remove it".to_owned(),
            name => suggest(name, KNOWN, otherwise),
        };
        found.push(Diagnostic::warning(path, "is not a member of a flag", help));
    }
    doubts
}

/// The flag's metadata over its file's; null values are dropped.
fn merge_metadata(
    scope: &FileScope<'_>,
    metadata: Option<Json<'_>>,
    path: &Path,
    found: &mut Problems,
) -> Arc<[u8]> {
    match metadata {
        None | Some(Json::Null) => {}
        Some(Json::Object(own)) => {
            for (name, value) in own.members() {
                found.extend(not_flat(path, &name, value));
                if reads_as_switch(&name, value) {
                    let path = path.member(&name).target(Target::Name);
                    let help = "write it beside metadata: killed: true in the readable format, \
                        \"state\": \"DISABLED\" in flagd's";
                    let message = "does not switch the flag off in metadata";
                    found.push(Diagnostic::warning(path, message, help));
                }
            }
            return scope.metadata_with(own);
        }
        Some(_) => {
            let help = "make it an object of strings, numbers and booleans";
            found.push(Diagnostic::error(path, "is not an object", help));
        }
    }
    Arc::clone(scope.encoded_metadata())
}

fn meaning(
    disabled: bool,
    variants: &[Variant],
    default: Option<usize>,
    (metadata, description): (&[u8], Option<&str>),
    targeting: &Digest,
) -> Digest {
    let default = default.map_or_else(String::new, |default| default.to_string());
    let mut hash = PartsHash::default();
    hash.part(&[u8::from(disabled)]);
    hash.part(default.as_bytes());
    for variant in variants {
        hash.part(variant.name.as_bytes());
        match &variant.value {
            VariantValue::Bool(bit) => hash.part(&[b'b', u8::from(*bit)]),
            VariantValue::Number(number) => hash.joined(&[b"n", &number.to_le_bytes()]),
            VariantValue::String(text) => hash.joined(&[b"s", text.as_bytes()]),
            VariantValue::Object(encoded) => hash.joined(&[b"o", encoded]),
            VariantValue::Other(json) => hash.joined(&[b"j", json.as_bytes()]),
        }
    }
    hash.part(metadata);
    hash.part(targeting);
    description.iter().for_each(|description| hash.part(description.as_bytes()));
    hash.finish()
}
