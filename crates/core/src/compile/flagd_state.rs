//! How a definition in flagd's format switches its flag off: by its state, or by a kill, which that
//! format does not have.

use crate::{
    diagnostic::{Diagnostic, Path, Target, problems::Problems},
    document::{
        Definition,
        json::Json,
        kill_detection::{KILL_TOO_DEEP, has_kill, kill_in_metadata, reads_as_disabled},
        members::Members,
        yaml_bool::truth,
    },
    flag::{Variant, VariantValue},
};

/// The variant that a kill serves: the one that means off, or else the default.
pub(super) fn safe_variant(variants: &[Variant], default: Option<usize>) -> Option<usize> {
    let only = |is_off: &dyn Fn(&Variant) -> bool| {
        let mut off = variants.iter().enumerate().filter(|(_, variant)| is_off(variant));
        off.next().filter(|_| off.next().is_none()).map(|(place, _)| place)
    };
    only(&|variant| *variant.name == *"off")
        .or_else(|| only(&|variant| truth(&variant.name) == Some(false)))
        .or_else(|| only(&|variant| variant.value == VariantValue::Bool(false)))
        .or(default)
}

/// The error of a kill in flagd's format, which has none: the flag's author meant it all the same,
/// or the file has lost the line `flagstaff: 1`.
pub(super) fn kill_in_flagds_format(
    members: &Members<'_>,
    served: Option<&Variant>,
    here: &Path,
) -> Diagnostic {
    let (path, message) = match kill_in_metadata(members).filter(|_| !has_kill(members)) {
        Some((metadata, name)) => (here.member(&metadata).member(&name), KILL_TOO_DEEP),
        None => (here.member("killed"), "is not a member of a flag; the kill holds"),
    };
    let message = match served {
        Some(served) => format!("{message}, and everyone gets \"{}\"", served.name),
        None => message.to_owned(),
    };
    let path = path.target(Target::Name);
    let help = "this format has no kill: make the safe variant the defaultVariant, and remove \
        targeting; or write flagstaff: 1 as the first line";
    Diagnostic::error(path, message, help)
}

/// Whether the state says that the flag is off. One that was meant to is told by
/// [`doubtful_state`].
pub(super) fn is_disabled(state: Option<Json<'_>>, path: &Path, found: &mut Problems) -> bool {
    let enabled = "such a flag counts as enabled; write \"ENABLED\" or \"DISABLED\"";
    match state {
        Some(Json::String(state)) if state.is("DISABLED") => return true,
        Some(Json::String(state)) if state.is("ENABLED") => {}
        Some(Json::String(state)) if reads_as_disabled(&state.get()) => {}
        Some(Json::String(state)) => {
            let message = format!("\"{}\" is no state", state.get());
            found.push(Diagnostic::warning(path, message, enabled));
        }
        None | Some(Json::Null) => found.push(Diagnostic::warning(path, "is missing", enabled)),
        Some(_) => {
            let help = "write \"ENABLED\" or \"DISABLED\"";
            found.push(Diagnostic::error(path, "is not a string", help));
        }
    }
    false
}

/// The error of a state that was meant as `DISABLED`. flagd serves such a flag.
pub(super) fn doubtful_state(state: Option<Json<'_>>, path: &Path) -> Option<Diagnostic> {
    let is_known = |state: &str| matches!(state, "ENABLED" | "DISABLED");
    let state = state?.as_str().filter(|state| !is_known(state) && reads_as_disabled(state))?;
    let help = "the flag is NOT switched off; write \"DISABLED\"";
    Some(Diagnostic::error(path, format!("\"{state}\" is no state"), help))
}

/// Whether a duplicate that does not count otherwise switches the flag off.
pub(super) fn holds_disabled(
    definition: &Definition<'_>,
    members: &Members<'_>,
    here: &Path,
    found: &mut Problems,
) -> bool {
    let holds = definition.is_disabled_before || members.are_disabled();
    if holds {
        let help = "the flag stays switched off; keep the copy that you mean";
        let path = here.member("state");
        found.push(Diagnostic::warning(path, "is \"DISABLED\" in another copy", help));
    }
    holds
}
