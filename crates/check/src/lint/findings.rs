//! What lints found, at the level that the file wants.

use super::settings::Settings;
use crate::lint::definition::Lint;
use flagstaff_core::diagnostic::{
    Diagnostic, Path,
    problems::{MOST_TOLD, Problems},
};

/// Collects what lints find.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    settings: &'a Settings,
    found: Problems,
}

impl<'a> Findings<'a> {
    pub(super) fn new(settings: &'a Settings) -> Self {
        Self { settings, found: Problems::with_room(MOST_TOLD) }
    }

    /// Adds what a lint found, unless the file switched it off.
    pub(super) fn tell(
        &mut self,
        lint: &'static Lint,
        path: impl Into<Path>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        if let Some(level) = self.settings.level(lint.code, lint.level) {
            let problem = Diagnostic::warning(path, message, help).of(lint.code);
            self.found.push(Diagnostic { level, ..problem });
        }
    }

    /// Whether nothing more will be told.
    pub(super) fn is_full(&self) -> bool {
        self.found.is_full()
    }

    /// Problems that were found without lints, those with a code at the level the file wants.
    pub(super) fn leveled(&self, problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
        let leveled = problems.into_iter().filter_map(|problem| match problem.code {
            Some(code) => {
                let level = self.settings.level(code, problem.level)?;
                Some(Diagnostic { level, ..problem })
            }
            None => Some(problem),
        });
        leveled.collect()
    }

    /// Everything, and how much more there was no room for.
    pub(super) fn finish(self) -> (Vec<Diagnostic>, usize) {
        self.found.finish()
    }
}
