//! Lints: mistakes that nothing keeps from being served, found before a file is merged.
//!
//! They look at definitions, whichever form these were written in, and point to what their author
//! wrote. Each has a code, by which a file can set its level (see [`settings`]) and people can ask
//! what is behind it. Time is a parameter, so that a file gives the same today and in a test.

mod against;
mod attributes;
mod constraint;
pub(crate) mod context;
mod definition;
mod findings;
mod implies;
mod lifecycle;
mod linted;
mod lists;
mod logic;
mod naming;
mod operands;
mod ownership;
mod placing;
mod rules;
mod secrets;
mod settings;
mod settled;
mod shares;
mod splits;
mod switches;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod unquoted;

use crate::lint::context::LintContext;
pub use against::Before;
pub use definition::{ExampleContext, Lint};
use findings::Findings;
use flagstaff_core::diagnostic::Diagnostic;
pub use linted::Linted;
pub use table::{LINTS, lint_named};

impl Linted<'_> {
    /// Adds to a file's problems what lints find, and gives each the level that the file wants.
    ///
    /// A file of which nothing can be served has enough problems already.
    pub fn add_to(&self, mut problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
        LintContext::look(self, |page, text| {
            let mut found = Findings::new(page.settings());
            problems = found.leveled(std::mem::take(&mut problems));
            page.settings().tell(&mut found);
            ownership::look(page, &mut found);
            lifecycle::look(page, self.now, &mut found);
            settled::look(page, self.now, &mut found);
            naming::look(page, &mut found);
            rules::look(page, &mut found);
            switches::look(page, &mut found);
            splits::look(page, &mut found);
            attributes::look(page, &mut found);
            operands::look(page, &mut found);
            lists::look(page, self.lists, &mut found);
            secrets::look(page, &mut found);
            unquoted::look(page, text, &mut found);
            if let Some(before) = self.before {
                against::look(page, before, self.now, self.gone, &mut found);
            }
            problems.append(&mut page.placed(text, found));
        });
        problems.sort_by(|a, b| (a.position, &a.message).cmp(&(b.position, &b.message)));
        problems
    }
}
