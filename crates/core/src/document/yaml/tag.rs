//! Tags: those of the core schema are applied, and every other one is reported.

use super::scalar::Scalar;
use crate::diagnostic::{Diagnostic, Path, Position};
use granit_parser::Tag;

/// The kind that a tagged value is read as.
#[derive(Debug, Clone, Copy)]
pub(super) enum TagKind {
    Null,
    Boolean,
    Number,
    Text,
    List,
    Mapping,
    Key,
}

impl TagKind {
    pub(super) fn of(scalar: &Scalar<'_>) -> Self {
        match scalar {
            Scalar::Null => Self::Null,
            Scalar::Bool(_) => Self::Boolean,
            Scalar::Number(_) | Scalar::NotFinite => Self::Number,
            Scalar::Text(_) => Self::Text,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::List => "a list",
            Self::Mapping => "a mapping",
            Self::Key => "a key without it",
        }
    }
}

/// The tag `!`, which makes a scalar a text and leaves a collection what it is
/// (<https://yaml.org/spec/1.2.2/#tags>, "non-specific").
pub(super) fn is_non_specific(tag: &Tag) -> bool {
    tag.handle().is_empty() && tag.suffix() == "!"
}

/// Whether a tag means something for a collection: it is this core tag, or `!`.
pub(super) fn is_of(tag: &Tag, core: &str) -> bool {
    tag.core_suffix() == Some(core) || is_non_specific(tag)
}

/// The warning of a tag that has no effect.
pub(super) fn warning(tag: &Tag, kind: TagKind, path: Path, position: Position) -> Diagnostic {
    let (name, kind) = (tag.original(), kind.as_str());
    let (why, help) = match tag.core_suffix() {
        Some(_) => (
            "does not fit its value",
            "write a value of that type, as YAML 1.2 writes it, or remove the tag",
        ),
        None => (
            "has no effect",
            "remove the tag; if a program replaces the value, run it before the file is mounted",
        ),
    };
    let message = format!("the tag {name} {why}; the value is read as {kind}");
    Diagnostic { position, ..Diagnostic::warning(path, message, help) }
}
