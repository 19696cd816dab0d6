//! A definition file as JSON text, whatever it was written in, and where each part was written.
//!
//! Everything behind this reads JSON and knows of nothing else. Positions are worked out only when
//! there is something to report.

use super::{
    diagnostic::{Diagnostic, Path, Position, Target},
    yaml,
};
use std::{borrow::Cow, cell::Cell, ops::Range};

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// YAML 1.2 with its core schema.
    Yaml,
}

impl Format {
    /// The format of a file, by its name.
    pub fn of(path: &std::path::Path) -> Self {
        let is_json = path.extension().is_some_and(|extension| extension == "json");
        if is_json { Self::Json } else { Self::Yaml }
    }
}

/// A definition file's text.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    json: Cow<'a, str>,
    authored: &'a str,
    format: Format,
    faults: Vec<Fault>,
}

/// Something that JSON cannot say, for which `null` stands in its text.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Where in the JSON text.
    pub(crate) at: usize,
    pub(crate) message: &'static str,
    pub(crate) help: &'static str,
}

impl Fault {
    /// The error of a part of the document that has it, which starts at `start`.
    pub(crate) fn diagnostic(&self, path: &Path, start: usize) -> Diagnostic {
        let target = Target::Offset(self.at.saturating_sub(start));
        Diagnostic::error(path.clone().target(target), self.message, self.help)
    }
}

impl<'a> Text<'a> {
    /// Reads a file's content; fails where nothing in it can be served.
    pub(crate) fn read(content: &'a [u8], format: Format) -> Result<Self, Diagnostic> {
        let authored = std::str::from_utf8(content).map_err(|error| not_text(content, &error))?;
        match (format, authored.strip_prefix('\u{feff}')) {
            (Format::Json, Some(_)) => {
                let message = "begins with a byte order mark, which is no JSON";
                Err(Diagnostic::of_file(message, "save it as UTF-8 without one"))
            }
            (Format::Json, None) => {
                let json = Cow::Borrowed(authored);
                Ok(Self { json, authored, format, faults: Vec::new() })
            }
            (Format::Yaml, without_mark) => {
                let authored = without_mark.unwrap_or(authored);
                let read = yaml::to_json(authored, false)?;
                Ok(Self { json: Cow::Owned(read.json), authored, format, faults: read.faults })
            }
        }
    }

    pub(crate) fn json(&self) -> &str {
        &self.json
    }

    /// The faults within a part of the JSON text.
    pub(crate) fn faults(&self, part: Range<usize>) -> &[Fault] {
        let first = self.faults.partition_point(|fault| fault.at < part.start);
        let end = self.faults.partition_point(|fault| fault.at < part.end);
        self.faults.get(first..end).unwrap_or_default()
    }

    /// Where a part of the JSON text, itself a slice of it, begins.
    pub(crate) fn offset_of(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.json.as_ptr() as usize)
    }

    /// Makes ready to tell positions.
    pub(crate) fn places(&self) -> Places<'_> {
        let of = match self.format {
            Format::Json => Marks::Lines(line_starts(&self.json)),
            // It was read once without an error, and is again.
            Format::Yaml => Marks::Marked(
                yaml::to_json(self.authored, true).map(|read| read.marks).unwrap_or_default(),
            ),
        };
        Places { json: &self.json, of, counted: Cell::default() }
    }
}

/// Tells where parts of the JSON text were written.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    json: &'a str,
    of: Marks,
    /// The offset last asked for, and the characters before it in its line: a file may be one line
    /// of megabytes, and its problems mostly come in its order.
    counted: Cell<(usize, usize)>,
}

#[derive(Debug)]
enum Marks {
    /// Where each line begins.
    Lines(Vec<usize>),
    /// Where keys and values begin in the JSON text and in the authored one.
    Marked(Vec<(usize, Position)>),
}

impl Places<'_> {
    /// The position of what stands at `offset` of the JSON text.
    pub(crate) fn position(&self, offset: usize) -> Position {
        match &self.of {
            Marks::Lines(starts) => {
                let line = starts.partition_point(|start| *start <= offset);
                let start = line.checked_sub(1).and_then(|line| starts.get(line)).copied();
                let start = start.unwrap_or(0);
                let counted = Some(self.counted.get());
                let counted = counted.filter(|(at, _)| (start..=offset).contains(at));
                let (from, before) = counted.unwrap_or((start, 0));
                let more = self.json.get(from..offset).unwrap_or_default();
                let before = before + more.chars().count();
                self.counted.set((offset, before));
                Position { line, column: before + 1 }
            }
            Marks::Marked(marks) => {
                let after = marks.partition_point(|(at, _)| *at <= offset);
                let mark = after.checked_sub(1).and_then(|place| marks.get(place));
                mark.map_or(Position { line: 1, column: 1 }, |(_, position)| *position)
            }
        }
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    let after_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    [0].into_iter().chain(after_breaks.map(|(at, _)| at + 1)).collect()
}

fn not_text(content: &[u8], error: &std::str::Utf8Error) -> Diagnostic {
    let good = content.get(..error.valid_up_to()).unwrap_or_default();
    let good = std::str::from_utf8(good).unwrap_or_default();
    let line = good.rsplit('\n').next().unwrap_or_default();
    let position =
        Position { line: good.matches('\n').count() + 1, column: line.chars().count() + 1 };
    let what = match content.get(error.valid_up_to()) {
        _ if good.is_empty() && content.starts_with(&[0xff, 0xfe]) => "is UTF-16, not UTF-8",
        Some(0) | None => "is not UTF-8 text",
        Some(_) => "is not UTF-8 text from here on",
    };
    Diagnostic { position, ..Diagnostic::of_file(what, "save the file as UTF-8") }
}
