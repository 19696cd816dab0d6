//! Codes of kinds of mistakes that are found while a file is compiled.

/// Two files of a directory define a flag.
pub const DEFINED_TWICE: &str = "defined-twice";
/// A moment has no time zone.
pub const NO_TIME_ZONE: &str = "no-time-zone";
/// The file does not say how units are hashed.
pub const UNPINNED: &str = "unpinned";
