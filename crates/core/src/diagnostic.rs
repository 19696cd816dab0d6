//! One problem found in a definition file: where it is, what is wrong, and how to mend it.

pub mod codes;
pub mod problems;
pub mod suggest;
pub mod terminal;

use crate::diagnostic::{codes::DEFINED_TWICE, terminal::Printable};
use std::{fmt, sync::Arc};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing is wrong, but the author should know.
    Note,
    /// The flag is served, perhaps not as its author meant.
    Warning,
    /// The flag, or the whole file, cannot be served.
    Error,
}

impl Level {
    /// The level as people and machines read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A place in a file, as editors count: both from 1, columns in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    /// Where a file begins.
    pub(crate) const FIRST: Self = Self { line: 1, column: 1 };
}

/// A problem, told so that its author can mend it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Diagnostic {
    /// How bad it is.
    pub level: Level,
    /// What kind of mistake it is, if it is one that files can set a level for.
    pub code: Option<&'static str>,
    /// Where in the text its author wrote; set when the file has been gone through.
    pub position: Position,
    /// Where in the document.
    pub path: Path,
    /// What is wrong.
    pub message: Box<str>,
    /// What to do about it.
    pub help: Box<str>,
    /// What is broken elsewhere, if that is why a flag has this error. It is reported there too.
    pub cause: Option<Arc<Cause>>,
}

/// What makes several flags fail: another flag, a segment or a list, by its path.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Cause(String);

impl Diagnostic {
    /// An error, whose position is found later from its path.
    pub fn error(
        path: impl Into<Path>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            level: Level::Error,
            code: None,
            position: Position::default(),
            path: path.into(),
            message: shortened(message.into()).into(),
            help: help.into().into(),
            cause: None,
        }
    }

    /// A problem that makes a whole file unusable.
    pub fn of_file(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { position: Position::FIRST, ..Self::error("", message, help) }
    }

    /// The warning of a flag that another file of the same directory defines as well.
    pub fn shadows(key: &str, file: &str, position: Position) -> Self {
        let help = "keep one of them; this one counts, since its file comes later by name";
        let path = Path::from("flags").member(key);
        let shadows = Self::warning(path, format!("is also defined in {file}"), help);
        Self { position, ..shadows.of(DEFINED_TWICE) }
    }

    /// About the bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        let steps = size_of_val(self.path.parts().0);
        size_of::<Self>() + steps + self.message.len() + self.help.len()
    }

    /// The same, told as a kind of mistake that has a code.
    pub fn of(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// The same, as the consequence of an error that is reported elsewhere.
    pub(crate) fn because_of(self, cause: String) -> Self {
        Self { cause: Some(Arc::new(Cause(cause))), ..self }
    }

    /// The same as a warning.
    pub fn warning(
        path: impl Into<Path>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { level: Level::Warning, ..Self::error(path, message, help) }
    }

    pub fn note(
        path: impl Into<Path>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { level: Level::Note, ..Self::error(path, message, help) }
    }
}

/// Where in a document, as a person writes it: `flags.checkout.targeting.if[0]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Path {
    steps: Vec<Step>,
    target: Target,
}

/// One step down a document. Problems below one long name share it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    Member(Arc<str>),
    Place(usize),
}

/// What exactly a path means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Target {
    /// What the last step leads to.
    #[default]
    Value,
    /// The name of the last step: a duplicate, or one that nobody knows.
    Name,
    /// So many bytes into the text of what the last step leads to.
    Offset(usize),
}

impl Path {
    /// The path of a member of this.
    pub fn member(&self, name: &str) -> Self {
        let mut path = self.clone();
        path.enter(Step::Member(name.into()));
        path
    }

    /// The path of an element of this.
    pub fn place(&self, place: usize) -> Self {
        let mut path = self.clone();
        path.enter(Step::Place(place));
        path
    }

    /// The path of its first steps.
    pub(crate) fn first(&self, steps: usize) -> Self {
        Self::from_steps(self.steps.iter().take(steps).cloned())
    }

    fn from_steps(steps: impl Iterator<Item = Step>) -> Self {
        Self { steps: steps.collect(), target: Target::Value }
    }

    pub fn target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    pub fn enter(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub fn leave(&mut self) {
        self.steps.pop();
    }

    /// Whether it leads into a member of the document.
    pub(crate) fn is_within(&self, name: &str) -> bool {
        matches!(self.steps.first(), Some(Step::Member(first)) if **first == *name)
    }

    /// The name of what it leads to, if that is a member.
    pub(crate) fn name(&self) -> Option<&str> {
        match self.steps.last()? {
            Step::Member(name) => Some(name),
            Step::Place(_) => None,
        }
    }

    /// The steps, and what they lead to.
    pub fn parts(&self) -> (&[Step], Target) {
        (&self.steps, self.target)
    }
}

impl From<&str> for Path {
    /// A path of one member; of the document itself if the name is empty.
    fn from(name: &str) -> Self {
        if name.is_empty() { Self::default() } else { Self::default().member(name) }
    }
}

impl From<&Self> for Path {
    fn from(path: &Self) -> Self {
        path.clone()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return f.write_str("file");
        }
        for (at, step) in self.steps.iter().enumerate() {
            match step {
                Step::Member(name) if name.is_empty() => f.write_str(".\"\"")?,
                Step::Member(name) if at == 0 => write!(f, "{}", OneLine(name))?,
                Step::Member(name) => write!(f, ".{}", OneLine(name))?,
                Step::Place(place) => write!(f, "[{place}]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Diagnostic {
    /// What follows the name of the file and a colon.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, code, position, path, message, help, cause: _ } = self;
        let (message, help) = (OneLine(message), OneLine(help));
        write!(f, "{position}: {level}")?;
        if let Some(code) = code {
            write!(f, "[{code}]")?;
        }
        write!(f, ": {path}: {message} (help: {help})")
    }
}

/// Names and texts are quoted up to here: a megabyte in a log helps nobody.
const LONGEST_QUOTE: usize = 300;

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_QUOTE) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A text from a file, on one line and of a length that a line can have.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(LONGEST_QUOTE + 1) {
            Some((end, _)) => {
                let start = self.0.get(..end).unwrap_or_default();
                write!(f, "{}…", Printable(start))
            }
            None => Printable(self.0).fmt(f),
        }
    }
}
