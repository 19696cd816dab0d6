//! A definition file as JSON text, whatever it was written in, and where each part was written.
//!
//! Everything behind this reads JSON and knows of nothing else. Positions are worked out only when
//! there is something to report.

use super::{marks::Marks, syntax, yaml};
use crate::diagnostic::{Diagnostic, Path, Position, Target, problems::Problems};
use std::{borrow::Cow, ops::Range};

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
pub struct DocumentText<'a> {
    json: Cow<'a, str>,
    authored: &'a str,
    format: Format,
    faults: Vec<Fault>,
    warnings: Box<Problems>,
}

/// Something that JSON cannot say, for which something else stands in its text.
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

impl<'a> DocumentText<'a> {
    /// Reads a file's content; fails where nothing in it can be served.
    pub fn read(content: &'a [u8], format: Format) -> Result<Self, Diagnostic> {
        let authored = text(content)?;
        // Editors of Windows write a byte order mark, and RFC 8259 lets parsers ignore it.
        let authored = authored.strip_prefix('\u{feff}').unwrap_or(authored);
        match format {
            Format::Json => {
                let json = Cow::Borrowed(authored);
                let warnings = Box::new(Problems::with_room(0));
                Ok(Self { json, authored, format, faults: Vec::new(), warnings })
            }
            Format::Yaml => {
                let read = yaml::to_json(authored, false)?;
                let yaml::YamlTranslation { json, faults, warnings, .. } = read;
                let warnings = Box::new(warnings);
                Ok(Self { json: Cow::Owned(json), authored, format, faults, warnings })
            }
        }
    }

    /// JSON that nobody wrote.
    pub fn of_json(json: String) -> DocumentText<'static> {
        DocumentText {
            json: Cow::Owned(json),
            authored: "",
            format: Format::Json,
            faults: Vec::new(),
            warnings: Box::new(Problems::with_room(0)),
        }
    }

    pub fn is_yaml(&self) -> bool {
        self.format == Format::Yaml
    }

    /// The lines as their author wrote them.
    pub fn authored_lines(&self) -> Vec<&str> {
        self.authored.lines().collect()
    }

    /// The text as its author wrote it.
    pub(crate) fn authored(&self) -> &str {
        self.authored
    }

    pub fn json(&self) -> &str {
        &self.json
    }

    /// Warnings of the text itself, each with its position; and how many more there are.
    pub(crate) fn warnings(&self) -> (Vec<Diagnostic>, usize) {
        Problems::clone(&self.warnings).finish()
    }

    /// The faults within a part of the JSON text.
    pub(crate) fn faults(&self, part: Range<usize>) -> &[Fault] {
        let first = self.faults.partition_point(|fault| fault.at < part.start);
        let end = self.faults.partition_point(|fault| fault.at < part.end);
        self.faults.get(first..end).unwrap_or_default()
    }

    /// Where a part of the JSON text, itself a slice of it, begins.
    pub fn offset_of(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.json.as_ptr() as usize)
    }

    /// Makes ready to tell positions.
    pub fn places(&self) -> Places<'_> {
        match self.format {
            Format::Json => Places { counted: Some(&self.json), marks: lines(&self.json) },
            // It was read once without an error, and is again.
            Format::Yaml => {
                let marks = yaml::to_json(self.authored, true).map(|read| read.marks);
                Places { counted: None, marks: marks.unwrap_or_default() }
            }
        }
    }
}

/// Returns a definition file's text as JSON, before its flags are read. Keys keep their order and
/// their duplicates.
///
/// Fails if the text is not valid, or has a number that JSON cannot hold.
pub fn to_json(content: &[u8], format: Format) -> Result<String, Diagnostic> {
    let text = DocumentText::read(content, format)?;
    match text.faults.first() {
        Some(fault) => Err(fault.diagnostic(&Path::default(), 0)),
        None => Ok(text.json.into_owned()),
    }
}

/// Tells where parts of the JSON text were written.
#[derive(Debug)]
pub struct Places<'a> {
    /// The text, if it is as its author wrote it: columns are counted on from a mark.
    counted: Option<&'a str>,
    /// Places in the JSON text, and where they were in the authored one.
    marks: Marks,
}

impl Places<'_> {
    /// The position of what stands at `offset` of the JSON text.
    pub fn position(&self, offset: usize) -> Position {
        let (at, Position { line, column }) =
            self.marks.before(offset).unwrap_or((0, Position::FIRST));
        let since = self.counted.and_then(|text| text.get(at..offset)).unwrap_or_default();
        Position { line, column: column + since.chars().count() }
    }
}

/// Marks the beginning of every line, and places within long ones: a file can be one line.
fn lines(text: &str) -> Marks {
    const FAR: usize = 1 << 10;
    let mut marks = Marks::default();
    marks.push(0, Position::FIRST);
    let (mut marked, mut position) = (0, Position::FIRST);
    for (at, char) in text.char_indices() {
        if at - marked >= FAR {
            marks.push(at, position);
            marked = at;
        }
        position.column += 1;
        if char == '\n' {
            position = Position { line: position.line + 1, column: 1 };
            marked = at + 1;
            marks.push(marked, position);
        }
    }
    marks
}

/// The content as text. What has zeros in it is none, though UTF-8 allows them.
fn text(content: &[u8]) -> Result<&str, Diagnostic> {
    let read = std::str::from_utf8(content);
    let good = read.or_else(|error| {
        std::str::from_utf8(content.get(..error.valid_up_to()).unwrap_or_default())
    });
    let good = good.unwrap_or_default();
    let zero = good.find('\0');
    if let (Ok(text), None) = (read, zero) {
        return Ok(text);
    }
    // Every other byte of a text in it is zero, if it does not begin with a mark.
    let is_utf16 = matches!(content, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
        || matches!(content, [0, 1..=255, 0, 1..=255, ..] | [1..=255, 0, 1..=255, 0, ..]);
    if is_utf16 {
        return Err(Diagnostic::of_file("is UTF-16, not UTF-8", "save the file as UTF-8"));
    }
    let position = syntax::end_of(good.get(..zero.unwrap_or(good.len())).unwrap_or_default());
    let (message, help) = match zero {
        Some(_) => ("has a zero byte here", "no text has any: write the file anew"),
        None => ("is not UTF-8 text from here on", "save the file as UTF-8"),
    };
    Err(Diagnostic { position, ..Diagnostic::of_file(message, help) })
}
