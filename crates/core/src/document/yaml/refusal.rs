//! The parser's errors as diagnostics: the place, and what its author should write.

use super::{MAX_FLOW_DEPTH, position};
use crate::{
    diagnostic::{Diagnostic, Position},
    document::syntax,
};
use granit_parser::{ErrorKind, ScanError};

/// A syntax error, as somebody would say it who looks at the place.
pub(super) fn diagnostic(yaml: &str, error: &ScanError) -> Diagnostic {
    if let Some(position) = syntax::conflict(yaml) {
        return Diagnostic { position, ..syntax::unfinished_merge() };
    }
    let at = position(*error.marker());
    if is_tab(error.kind()) {
        let message = "is not YAML: a tab where only spaces may be";
        let position = tab_from(yaml, at).unwrap_or(at);
        return Diagnostic { position, ..Diagnostic::of_file(message, "indent with spaces") };
    }
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        let message = format!("nests brackets deeper than {MAX_FLOW_DEPTH} levels");
        let help = "split the flag, or test membership with one \"in\" over a list";
        return Diagnostic { position: at, ..Diagnostic::of_file(message, help) };
    }
    let message = format!("is not YAML: {}", error.info());
    // The parser may have read on to a line that does not exist.
    let position = at.min(syntax::end_of(yaml));
    Diagnostic { position, ..Diagnostic::of_file(message, help(error.kind())) }
}

fn is_tab(kind: &ErrorKind) -> bool {
    use ErrorKind::{
        TabAtBlockScalarStart, TabInBlockIndentation, TabInIndentation, TabInPlainScalar,
        TabNotAllowed,
    };
    matches!(
        kind,
        TabAtBlockScalarStart
            | TabInBlockIndentation
            | TabInIndentation
            | TabInPlainScalar
            | TabNotAllowed
    )
}

/// The first tab at or behind a line. The parser reports where the part began that the tab is in.
fn tab_from(yaml: &str, at: Position) -> Option<Position> {
    let mut lines = yaml.lines().zip(1..).skip(at.line.saturating_sub(1));
    lines.find_map(|(line, number)| {
        let column = line.chars().position(|char| char == '\t')? + 1;
        Some(Position { line: number, column })
    })
}

/// What to write instead.
fn help(kind: &ErrorKind) -> &'static str {
    use ErrorKind as Kind;
    match kind {
        Kind::InvalidColonPlacement => {
            "close the bracket that is open before it, or quote a text that has a colon in it"
        }
        Kind::MappingValueNotAllowed => {
            "quote a text that has a colon in it; after the colon of a key comes a space, and keys \
             of one mapping are indented alike"
        }
        Kind::UnknownAnchor => {
            "write the anchor, with &, before its alias; quote a text that begins with *"
        }
        Kind::MissingAnchorOrAliasName => "quote a text that begins with & or *",
        Kind::UndeclaredTagHandle | Kind::MissingTagUri | Kind::InvalidTagTerminator => {
            "quote a text that begins with !"
        }
        Kind::UnexpectedCharacter { .. } => "quote a text that begins with this character",
        Kind::InvalidBlockScalarHeader | Kind::ZeroBlockScalarIndent => {
            "quote a text that begins with > or |, such as \">= 18\""
        }
        Kind::SimpleKeyExpected | Kind::InvalidSimpleKey => {
            "a key needs a colon and a space after it; or the file is cut off"
        }
        Kind::UnclosedFlowCollection { .. } | Kind::UnclosedQuotedScalar => {
            "close it; or the file is cut off"
        }
        Kind::MisplacedFlowCollectionEnd | Kind::MismatchedFlowCollectionEnd { .. } => {
            "close each bracket with its own kind, and only what is open"
        }
        Kind::InvalidTrailingSingleQuotedScalar | Kind::InvalidTrailingDoubleQuotedScalar => {
            "quote the whole text; a quote within it is written twice in '…', and \\\" in \"…\""
        }
        Kind::UnknownQuotedScalarEscape => "write a backslash as \\\\, or quote the text with '…'",
        Kind::CommentNotSeparated => "put a space before the #, or quote a text that has one",
        Kind::InvalidLowSurrogate | Kind::MissingLowSurrogate | Kind::UnpairedLowSurrogate => {
            "write the character itself, or both of its escapes"
        }
        Kind::BomInsideDocument => "remove the byte order mark, an invisible character",
        Kind::UnexpectedEof
        | Kind::UnexpectedEofFlowSequence
        | Kind::UnexpectedEofFlowMapping
        | Kind::UnexpectedEofImplicitFlowMapping
        | Kind::UnexpectedEofBlockSequence
        | Kind::UnexpectedEofBlockMapping => {
            "the file is cut off, or a bracket or quote is not closed"
        }
        _ => "look at indentation, quotes and brackets there, and on the line before",
    }
}
