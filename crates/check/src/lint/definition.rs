//! What a lint is: its code, its texts and an example.

use flagstaff_core::diagnostic::Level;

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
