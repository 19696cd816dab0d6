//! Files that are not flag files, though they look like some: named for what they are.
//!
//! Without this check such a file would remove every flag, or give a long list of warnings. Here it
//! is one error that says how to get at the flags, and the last good flags stay.

mod content;
mod header;
mod kubernetes;
mod products;
mod shape;
mod template;
#[cfg(test)]
mod tests;

use super::members::Members;
use crate::diagnostic::{Diagnostic, Path};
use shape::DocumentShape;

pub(crate) use template::unrendered;

/// What a file is that has no line `flagstaff: 1`, if it is not a flag file in flagd's format.
pub(crate) fn not_a_flag_file(members: &Members<'_>) -> Option<Diagnostic> {
    let file = DocumentShape::of(members);
    kubernetes::error(&file)
        .or_else(|| products::error(&file))
        .or_else(|| content::error_of_members(&file))
        .or_else(|| header::lost(&file))
        .or_else(|| file.flags_further_down())
}

/// The error of a file that is encrypted, in either format.
pub(crate) fn encrypted(members: &Members<'_>) -> Option<Diagnostic> {
    content::encrypted(&DocumentShape::of(members))
}

/// The error of a content that is not a mapping, or cannot be parsed at all: the kind of file if it
/// is known, else `error`.
pub(crate) fn unparsed(content: &[u8], error: Diagnostic) -> Diagnostic {
    content::error(content).unwrap_or_else(|| {
        let text = std::str::from_utf8(content).unwrap_or_default();
        template::unparsed(text, error)
    })
}

/// The error of a file that is something else.
fn named(what: &str, help: impl Into<String>) -> Diagnostic {
    Diagnostic::of_file(format!("is {what}, not a flag file"), help)
}

/// The error of a member of the file.
fn misplaced(name: &str, message: &str, help: &str) -> Diagnostic {
    use crate::diagnostic::Target;
    Diagnostic::error(Path::default().member(name).target(Target::Name), message, help)
}
