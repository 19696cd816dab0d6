//! A file to look at, with what lints need beside it.

use super::against::Before;
use flagstaff_core::{document::text::Format, flag::rule::Generation, readable::Lists};

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
