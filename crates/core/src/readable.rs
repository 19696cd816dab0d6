//! The readable format: flags as people write them, translated to flagd's definitions.
//!
//! A file whose top level says `flagstaff: 1` is read flag by flag into plans, and each plan is
//! written down as a definition. From there on it takes the path of any other file; nothing behind
//! this knows which it was, but for the places that problems are told at.

mod attribute;
pub mod clock;
mod condition;
pub(crate) mod expansion_budget;
mod experiment;
mod facts;
mod file;
mod flag;
mod flags;
mod header;
pub(crate) mod kill_and_duplicates;
mod lists;
pub mod node;
mod operand;
mod plan;
mod prerequisites;
mod requires;
mod rollout;
pub mod rule_text;
mod rules;
pub(crate) mod schema;
mod segments;
pub mod share;
#[cfg(test)]
mod tests;
mod translation;
mod variants;

pub use file::translate;
pub use header::VERSION;
pub use lists::{List, Lists, lists_named};
pub use translation::{FlagProblems, FlagShape, Translation, written_path};
