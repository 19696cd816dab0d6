//! YAML as JSON text: the events of a parser, written down as they come.
//!
//! No tree is built, so neither depth nor size can hurt; what aliases may add is bounded. An
//! anchored value is kept as the JSON it became, and an alias is that text once more. Types are
//! those of YAML 1.2's core schema (<https://yaml.org/spec/1.2.2/#103-core-schema>): dates and
//! `on` and `off` are text.

mod scalar;
#[cfg(test)]
mod tests;
mod writer;

use super::{
    diagnostic::{Diagnostic, Position},
    syntax,
    text::Fault,
};
use saphyr_parser::{Event, Marker, Parser, ScanError};
use writer::Writer;

/// The JSON a file came to.
#[derive(Debug, Default)]
pub(super) struct Translation {
    pub(super) json: String,
    /// In the order of the JSON text.
    pub(super) faults: Vec<Fault>,
    /// Where keys and values begin, in the JSON text and in the file; if asked for.
    pub(super) marks: Vec<(usize, Position)>,
}

/// Translates a file of one document.
pub(super) fn to_json(yaml: &str, mark: bool) -> Result<Translation, Diagnostic> {
    let mut writer = Writer::new(yaml.len(), mark);
    let mut documents = 0;
    let mut parser = Parser::new_from_str(yaml);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| syntax_error(yaml, &error))?;
        match event {
            Event::DocumentStart(_) => {
                documents += 1;
                if documents > 1 {
                    let help = "keep one document in a file; without \"---\" between them";
                    return Err(wrong(span.start, "has more than one YAML document", help));
                }
            }
            event => writer.take(event, span)?,
        }
    }
    let written = writer.finish();
    if written.json.is_empty() {
        return Err(Diagnostic::of_file("is empty", "put the flags in a mapping \"flags\""));
    }
    Ok(written)
}

/// A syntax error, as somebody would say it who looks at the place.
fn syntax_error(yaml: &str, error: &ScanError) -> Diagnostic {
    if let Some(position) = syntax::conflict(yaml) {
        return Diagnostic { position, ..syntax::unfinished_merge() };
    }
    let (at, what) = (error.marker(), error.info());
    // The parser tells where the part began, or went on, that the tab is in.
    let tab = || {
        let mut lines = yaml.lines().zip(1..).skip(at.line().saturating_sub(1));
        lines.find_map(|(line, number)| {
            let column = line.chars().position(|char| char == '\t')? + 1;
            Some(Position { line: number, column })
        })
    };
    if what.contains("tab")
        && let Some(position) = tab()
    {
        return Diagnostic {
            position,
            ..Diagnostic::of_file(
                "is no YAML: a tab where only spaces may be",
                "indent with spaces",
            )
        };
    }
    if what.contains("recursion limit") {
        let help = "split the flag, or test membership with one \"in\" over a list";
        return wrong(*at, "nests brackets deeper than 255 levels", help);
    }
    let help = match what {
        what if what.contains("mapping values are not allowed") => {
            "quote a text that has a colon in it; after the colon of a key comes a space, and keys \
             of one mapping are indented alike"
        }
        what if what.contains("unknown anchor") => {
            "write the anchor, with &, before its alias; quote a text that begins with *"
        }
        what if what.contains("unexpected character") => {
            "quote a text that begins with this character"
        }
        what if what.contains("block scalar") => {
            "quote a text that begins with > or |, such as \">= 18\""
        }
        what if what.contains("simple key expect") => {
            "a key needs a colon and a space after it; or the file is cut off"
        }
        what if what.contains("end of stream") => {
            "the file is cut off, or a bracket or quote is not closed"
        }
        _ => "look at indentation, quotes and brackets there, and on the line before",
    };
    let wrong = wrong(*at, &format!("is no YAML: {what}"), help);
    // It may have read on to a line that is not there.
    let position = wrong.position.min(syntax::end_of(yaml));
    Diagnostic { position, ..wrong }
}

fn wrong(at: Marker, message: &str, help: &str) -> Diagnostic {
    Diagnostic { position: position(at), ..Diagnostic::of_file(message, help) }
}

fn position(at: Marker) -> Position {
    Position { line: at.line(), column: at.col() + 1 }
}
