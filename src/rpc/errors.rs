//! Why a request has no answer, as gRPC statuses: flagd's codes, with texts that help.
//!
//! A text names the flag, the variant or the place in its rule; never a value of the context.

use crate::wire::Type;
use flagstaff_core::{BadContext, Flag, Variant, diagnostic::terminal::Printable};
use std::fmt::Write;
use tonic::{Status, metadata::MetadataValue};

/// Nothing is in force yet.
pub(crate) fn not_ready() -> Status {
    Status::unavailable("no flags yet: the flag files have not been loaded (see /readyz)")
}

/// The message is not what its method takes.
pub(crate) fn malformed() -> Status {
    Status::invalid_argument("malformed protobuf: the message is not the method's request")
}

/// A number of the context is NaN or infinite.
pub(crate) fn not_finite() -> Status {
    final_unknown("ERROR: a number of the context is not finite")
}

/// The context cannot be evaluated.
pub(crate) fn bad_context(bad: BadContext) -> Status {
    match bad {
        BadContext::Malformed => malformed(),
        BadContext::TooDeep => Status::invalid_argument(bad.to_string()),
        BadContext::NotFinite => not_finite(),
    }
}

/// Nobody defined the flag.
pub(crate) fn flag_not_found(key: &str) -> Status {
    Status::not_found(format!("Flag not found: no flag \"{}\" is defined", shortened(key)))
}

/// v1 has no way to say that the caller's default applies.
pub(crate) fn no_default(flag: &Flag) -> Status {
    Status::not_found(format!(
        "Flag not found: no rule of \"{}\" matched and it has no default variant",
        shortened(flag.key())
    ))
}

/// The chosen variant is not of the type asked for.
pub(crate) fn type_mismatch(flag: &Flag, variant: &Variant, wanted: Type) -> Status {
    Status::invalid_argument(format!(
        "Type mismatch error: variant \"{}\" of \"{}\" is not {}",
        shortened(variant.name()),
        shortened(flag.key()),
        wanted.as_str(),
    ))
}

/// The definition or its rule cannot be run.
pub(crate) fn parse_error(flag: &Flag, why: &str) -> Status {
    let why = format!(
        "Error parsing input or configuration: \"{}\": {}",
        shortened(flag.key()),
        shortened(why)
    );
    Status::data_loss(why)
}

/// The rule's result names no variant.
pub(crate) fn general(flag: &Flag) -> Status {
    let mut names = String::new();
    for variant in flag.variants().iter().take(8) {
        let comma = if names.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        write!(names, "{comma}\"{}\"", shortened(variant.name())).unwrap_or_default();
    }
    final_unknown(&format!(
        "General error: the targeting of \"{}\" names no variant (it has {names})",
        shortened(flag.key())
    ))
}

/// UNKNOWN that clients do not try again: their retries would cost them their whole deadline for
/// the same answer.
fn final_unknown(message: &str) -> Status {
    let mut status = Status::unknown(message);
    status.metadata_mut().insert("grpc-retry-pushback-ms", MetadataValue::from_static("-1"));
    status
}

/// At most 100 bytes: texts travel in headers, where a byte may take three. Clients print them.
pub(crate) fn shortened(text: &str) -> Printable<&str> {
    Printable(text.get(..text.floor_char_boundary(100)).unwrap_or_default())
}
