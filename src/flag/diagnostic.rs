//! One problem found in a definition: where it is, what is wrong, and how to mend it.

use std::fmt;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The flag is served, perhaps not as its author meant.
    Warning,
    /// The flag, or the whole file, cannot be served.
    Error,
}

/// A problem, told so that its author can mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub level: Level,
    /// Where, as a path into the document: `flags.checkout.targeting.if[0]`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl Diagnostic {
    pub(crate) fn error(
        path: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { level: Level::Error, path: path.into(), message: message.into(), help: help.into() }
    }

    pub(crate) fn warning(
        path: impl Into<String>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { level: Level::Warning, ..Self::error(path, message, help) }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {} (help: {})", self.level, self.path, self.message, self.help)
    }
}

/// Names longer than this are not compared.
const LONGEST_NAME: usize = 128;

/// The known name nearest to `name`, if one is near enough to be what was meant.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Comparing costs time and memory for each pair of letters, and no typo makes a long name.
    let known = known.into_iter().filter(|known| name.len().max(known.len()) <= LONGEST_NAME);
    let distance = |known: &str| strsim::damerau_levenshtein(name, known);
    let (best, distance) =
        known.map(|known| (known, distance(known))).min_by_key(|(_, distance)| *distance)?;
    (distance <= 1 + name.chars().count() / 4).then_some(best)
}

/// "did you mean" for a name that is near a known one, else what to do instead.
pub(crate) fn suggest<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    nearest(name, known)
        .map_or_else(|| otherwise.to_owned(), |known| format!("did you mean \"{known}\"?"))
}
