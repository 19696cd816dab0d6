//! YAML as JSON text, written event by event as the parser reads the file.
//!
//! No tree is built, so neither depth nor size can hurt. What aliases may add is bounded. An
//! anchored value is kept as the JSON it became, and an alias repeats that text. Types are those
//! of YAML 1.2's core schema (<https://yaml.org/spec/1.2.2/#103-core-schema>): dates, `on` and
//! `off` are text. The layout is read as loosely as Go's yaml.v3 and PyYAML read it: a closing
//! bracket, or a quoted text that goes on, may stand in the column of its key.

mod breaks;
mod keys;
mod refusal;
mod repeated;
mod scalar;
mod tag;
#[cfg(test)]
mod tests;
mod writer;

use super::{marks::Marks, text::Fault};
use crate::diagnostic::{
    Diagnostic, Position,
    problems::{MOST_TOLD, Problems},
};
use granit_parser::{Event, Marker, Options, Parser, Span, options};
use writer::JsonWriter;

/// Flow collections that may be open at once. The parser's time for each of their entries grows
/// with this number.
const MAX_FLOW_DEPTH: usize = 255;

/// All collections that may be open at once: deeper than anybody writes, and far deeper than a
/// flag may nest. An open collection costs memory, in the parser too, and two bytes of a file
/// open one.
const MAX_DEPTH: usize = 100_000;

/// The JSON a file came to.
#[derive(Debug)]
pub(crate) struct YamlTranslation {
    pub(super) json: String,
    /// In the order of the JSON text.
    pub(super) faults: Vec<Fault>,
    /// Tags that have no effect and characters that readers take for different things, each with its
    /// position.
    pub(super) warnings: Problems,
    /// Where keys and values begin, in the JSON text and in the file; if asked for.
    pub(super) marks: Marks,
}

impl YamlTranslation {
    fn with_capacity(bytes: usize) -> Self {
        Self {
            json: String::with_capacity(bytes),
            faults: Vec::new(),
            warnings: Problems::with_room(MOST_TOLD),
            marks: Marks::default(),
        }
    }
}

/// Translates a file of one document. Documents without content do not count: a file may begin
/// and end with `---`.
pub(super) fn to_json(yaml: &str, mark: bool) -> Result<YamlTranslation, Diagnostic> {
    let mut writer = JsonWriter::new(yaml.len(), mark);
    // Where a document begins that has no content so far.
    let mut begun = None;
    let options = options(keys::most_characters(yaml));
    for event in Parser::new_from_str_with_options(yaml, options) {
        let (event, span) = event.map_err(|error| refusal::diagnostic(yaml, &error))?;
        match event {
            Event::DocumentStart(..) => begun = Some(span.start),
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::Scalar(_, _, 0, None) if begun.is_some() && is_absent(&span) => {}
            event => {
                if let Some(start) = begun.take()
                    && !writer.is_empty()
                {
                    let help = "keep one document in a file, and remove the \"---\" between them";
                    return Err(wrong(start, "has more than one YAML document", help));
                }
                writer.take(event, span)?;
            }
        }
    }
    if writer.is_empty() {
        return Err(Diagnostic::of_file("is empty", "put the flags in a mapping \"flags\""));
    }
    let mut written = writer.finish();
    breaks::warn(yaml, &mut written.warnings);
    Ok(written)
}

fn options(of_key: usize) -> Options {
    options! {
        // Otherwise a text at the end of a file gets a line break that its author did not write.
        block_scalar_eof_without_line_feed: true,
        simple_key_max_lookahead: of_key,
        flow_nesting_limit: MAX_FLOW_DEPTH,
        // The writer refuses the level before, with its own message.
        block_nesting_limit: MAX_DEPTH + 1,
    }
}

/// Whether a scalar is only implied: the value of `a:`, or a document without content.
fn is_absent(span: &Span) -> bool {
    span.start.index() == span.end.index()
}

fn wrong(at: Marker, message: &str, help: &str) -> Diagnostic {
    Diagnostic { position: position(at), ..Diagnostic::of_file(message, help) }
}

fn position(at: Marker) -> Position {
    Position { line: at.line(), column: at.col() + 1 }
}
