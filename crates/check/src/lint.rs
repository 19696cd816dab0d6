//! Lints: mistakes that nothing keeps from being served, found before a file is merged.
//!
//! They look at definitions, whichever form these were written in, and point to what their author
//! wrote. Each has a code, by which a file can set its level (see [`settings`]) and people can ask
//! what is behind it. Time is a parameter, so that a file gives the same today and in a test.

mod against;
mod attributes;
mod constraint;
pub(crate) mod context;
mod findings;
mod implies;
mod lifecycle;
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
use findings::Findings;
use flagstaff_core::diagnostic::{Diagnostic, Level};
use flagstaff_core::{document::text::Format, flag::rule::Generation, readable::Lists};
pub use table::{LINTS, lint_named};

/// A kind of mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lint {
    /// How it is called, in messages and in a file's `lint`.
    pub code: &'static str,
    /// How bad it is, unless a file says otherwise.
    pub level: Level,
    /// What is found, in a line.
    pub summary: &'static str,
    /// Why that is a mistake, and what to do.
    pub why: &'static str,
    /// A file that has the mistake, and no other.
    pub bad: &'static str,
    /// The same, mended.
    pub good: &'static str,
    /// What else is needed to see it.
    pub beside: ExampleContext,
}

/// What a lint's example needs beside its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExampleContext {
    /// Nothing.
    Nothing,
    /// The file as it was before.
    Earlier(&'static str),
    /// Another file of the same directory, read before it.
    Another(&'static str),
}

/// A file to look at.
#[derive(Debug, Clone, Copy)]
pub struct Linted<'a> {
    /// What it says.
    pub content: &'a [u8],
    /// What it is written in.
    pub format: Format,
    /// The lists it names.
    pub lists: &'a Lists,
    /// The generation of the fractional operator, if it does not say one.
    pub fallback: Generation,
    /// The moment to look from, in seconds since 1970.
    pub now: i64,
    /// The flags as they were before.
    pub before: Option<&'a Before>,
    /// Those of them that are in no file any more, and are told here.
    pub gone: &'a [&'a str],
}

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
