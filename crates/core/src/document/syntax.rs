//! A syntax error of JSON, as somebody would say it who looks at the place.
//!
//! The parser tells what it expected; what the author wrote there instead is what helps.

use crate::diagnostic::{Diagnostic, Path, Position, Target};

/// What is wrong with a text.
struct Mistake {
    message: String,
    help: String,
    /// Where, in bytes.
    at: usize,
}

/// Why a whole file is no JSON.
pub(super) fn error_of_file(json: &str, error: &serde_json::Error) -> Diagnostic {
    let Mistake { message, help, at } = mistake(json, error);
    let before = json.get(..at).unwrap_or(json);
    Diagnostic { position: end_of(before), ..Diagnostic::of_file(message, help) }
}

/// Why a part of a file, at this path, is no value.
pub(super) fn error_within(json: &str, error: &serde_json::Error, path: Path) -> Diagnostic {
    let Mistake { message, help, at } = mistake(json, error);
    Diagnostic::error(path.target(Target::Offset(at)), message, help)
}

/// The position behind a text.
pub(super) fn end_of(text: &str) -> Position {
    let line = text.rsplit('\n').next().unwrap_or_default();
    Position { line: text.matches('\n').count() + 1, column: line.chars().count() + 1 }
}

/// The marks of a merge that was never finished, and where the first of them stands.
pub(super) fn conflict(text: &str) -> Option<Position> {
    let mut lines = text.lines().zip(1..);
    let (_, line) = lines.find(|(line, _)| line.starts_with("<<<<<<< "))?;
    lines.any(|(line, _)| line.starts_with(">>>>>>> ")).then_some(Position { line, column: 1 })
}

pub(super) fn unfinished_merge() -> Diagnostic {
    let help = "keep one side, and remove the lines <<<<<<<, ======= and >>>>>>>";
    Diagnostic::of_file("has a merge conflict", help)
}

/// Where in a text the parser was. It says so by line and column in bytes, both from 1.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    let before = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len);
    let mut at = (before.sum::<usize>() + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn mistake(json: &str, error: &serde_json::Error) -> Mistake {
    let at = offset(json, error);
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(&*text, |(what, _)| what);
    let (before, rest) = json.split_at_checked(at).unwrap_or((json, ""));
    let told = |message: &str, help: &str, at| {
        let (message, help) = (message.to_owned(), help.to_owned());
        Mistake { message, help, at }
    };
    if let Some(part) = what.strip_prefix("EOF while parsing ") {
        let help = "the file is cut off, or a bracket or quote is not closed";
        return told(&format!("ends in the middle of {part}"), help, at);
    }
    match what {
        "number out of range" => {
            // The parser tells its last digit.
            let is_part = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
            let help = "write a number that a double can hold";
            told("has a number that is out of range", help, before.trim_end_matches(is_part).len())
        }
        "recursion limit exceeded" => {
            let help = "split the flag, or test membership with one \"in\" over a list";
            told("nests deeper than 127 levels", help, at)
        }
        "unexpected end of hex escape" | "lone leading surrogate in hex escape" => {
            let help = "write the character itself, or both of its escapes";
            told("has one \\u escape of a pair", help, before.rfind("\\u").unwrap_or(at))
        }
        "invalid escape" => {
            let help = "write a backslash as \\\\, and a line break as \\n";
            told("has an escape that JSON does not know", help, before.rfind('\\').unwrap_or(at))
        }
        "trailing characters" => {
            let help = "remove what follows, or a bracket that closes too early";
            told("goes on after its end", help, at)
        }
        _ if what.starts_with("control character") => {
            // The parser tells the character before it.
            let mut rest = rest.chars();
            let at = at + rest.next().map_or(0, char::len_utf8);
            match rest.next() {
                Some('\n' | '\r') => {
                    let help = "close the quote; a line break within a text is written \\n";
                    told("has a text that is not closed on its line", help, at)
                }
                Some('\t') => told("has a tab within a text", "write it as \\t", at),
                _ => told("has a control character within a text", "remove it", at),
            }
        }
        _ => unexpected(what, before, rest),
    }
}

/// Something that cannot stand where it does.
fn unexpected(what: &str, before: &str, rest: &str) -> Mistake {
    let told = |message: String, help: &str, at| Mistake { message, help: help.to_owned(), at };
    let (at, last) = (before.len(), before.trim_end());
    let of_word = |c: char| c.is_alphanumeric() || "_$.-".contains(c);
    let word = rest.split(|c| !of_word(c)).next().unwrap_or_default();
    let wants_name = what == "key must be a string";
    match rest.chars().next() {
        Some('/' | '#') => {
            let help = "remove it, or put notes into \"metadata\"";
            told("has a comment, which JSON does not know".to_owned(), help, at)
        }
        _ if !before.trim_start().starts_with(['{', '[']) => {
            let help = "begin it with {; if it is YAML, name the file .yaml";
            told("is no JSON".to_owned(), help, 0)
        }
        Some('}' | ']') if last.ends_with(',') => {
            let message = "has a comma with nothing behind it";
            told(message.to_owned(), "remove the comma", last.len() - 1)
        }
        Some('\'') => told("has single quotes".to_owned(), "JSON quotes with \" alone", at),
        _ if let Some(expected) = what.strip_prefix("expected `") => {
            let expected = expected.replace('`', "\"");
            let help = "add what is missing before it, or close what is open";
            told(format!("has something else where \"{expected} should be"), help, at)
        }
        Some(_) if wants_name && !word.is_empty() => {
            let help = format!("write \"{word}\"");
            told("has a name without quotes".to_owned(), &help, at)
        }
        Some(_) if what == "expected value" && !word.is_empty() || what == "invalid number" => {
            let help = match word {
                "True" => "write true",
                "False" => "write false",
                "None" | "undefined" | "nil" => "write null",
                "NaN" | "Infinity" => "JSON knows no infinity and no NaN",
                _ if what == "invalid number" => "write it as 7, -0.5 or 1e3, without zeros before",
                _ => "put a text in double quotes",
            };
            let start = before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
            told("has what is no value of JSON".to_owned(), help, start.len())
        }
        _ => {
            let help = "look at what stands there, and before it";
            told(format!("is no JSON: {what}"), help, at)
        }
    }
}
