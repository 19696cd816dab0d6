//! The problems found so far, as many as anybody will read.

use crate::diagnostic::{Diagnostic, Level};

/// So many problems of a file are told. A file of sixteen megabytes can have millions.
pub const MOST_TOLD: usize = 10_000;

/// The problems of a flag take at most so many bytes: below a deep rule each has a long path.
const MOST_BYTES: usize = 8 << 20;

/// Collects problems, and counts those there is no room for.
#[derive(Debug, Clone)]
pub struct Problems {
    told: Vec<Diagnostic>,
    room: usize,
    bytes: usize,
    errors: usize,
    untold: usize,
}

impl Problems {
    /// Room for so many. The first error is always told: it says why nothing can be served.
    pub fn with_room(room: usize) -> Self {
        Self { told: Vec::new(), room, bytes: 0, errors: 0, untold: 0 }
    }

    pub fn push(&mut self, problem: Diagnostic) {
        let is_error = problem.level == Level::Error;
        self.errors += usize::from(is_error);
        if !self.is_full() || (is_error && self.errors == 1) {
            self.bytes += problem.bytes();
            self.told.push(problem);
        } else {
            self.untold += 1;
        }
    }

    /// Adds diagnostics that were found before, and the number of others found with them.
    pub(crate) fn repeat(&mut self, diagnostics: &[Diagnostic], untold: usize) {
        self.untold += untold;
        for diagnostic in diagnostics {
            match self.is_full() && diagnostic.level != Level::Error {
                true => self.untold += 1,
                false => self.push(diagnostic.clone()),
            }
        }
    }

    /// How many there is room for and are told.
    pub(crate) fn told(&self) -> usize {
        self.told.len()
    }

    /// Adds an error in place of the warning with the same message at the same path.
    pub(crate) fn replace_warning(&mut self, error: Diagnostic) {
        let is_same = |told: &Diagnostic| {
            told.level == Level::Warning && told.message == error.message && told.path == error.path
        };
        self.told.retain(|told| !is_same(told));
        self.push(error);
    }

    /// Whether nothing more will be told, and nothing has to be worked out for it.
    pub fn is_full(&self) -> bool {
        self.told.len() >= self.room || self.bytes >= MOST_BYTES
    }

    /// How many there are, those included for which there was no room.
    pub(crate) fn count(&self) -> usize {
        self.told.len() + self.untold
    }

    pub(crate) fn has_error(&self) -> bool {
        self.errors > 0
    }

    /// Says of every error that the flag is served in spite of it.
    pub(crate) fn only_warn(&mut self) {
        self.errors = 0;
        for problem in self.told.iter_mut().filter(|problem| problem.level == Level::Error) {
            problem.level = Level::Warning;
        }
    }

    /// What was found, and how many problems there was no room for.
    pub fn finish(self) -> (Vec<Diagnostic>, usize) {
        (self.told, self.untold)
    }
}

impl Extend<Diagnostic> for Problems {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, problems: I) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }
}
