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
        let (event, span) = event.map_err(|error| syntax_error(&error))?;
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

fn syntax_error(error: &ScanError) -> Diagnostic {
    let help = "mend the YAML there: check indentation, quotes and brackets";
    wrong(*error.marker(), &format!("is no YAML: {}", error.info()), help)
}

fn wrong(at: Marker, message: &str, help: &str) -> Diagnostic {
    Diagnostic { position: position(at), ..Diagnostic::of_file(message, help) }
}

fn position(at: Marker) -> Position {
    Position { line: at.line(), column: at.col() + 1 }
}
