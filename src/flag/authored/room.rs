//! How much may be written out of what stands elsewhere in a file.
//!
//! Segments within segments, and flags required by flags, are copied; without a limit, a file of a
//! few lines could come to more than there is memory.

use serde_json::Value as Json;
use std::cell::Cell;

/// So many parts of rules, elements of lists included.
const PARTS: usize = 200_000;

/// What is left of it.
#[derive(Debug)]
pub(super) struct Room(Cell<usize>);

impl Room {
    pub(super) fn new() -> Self {
        Self(Cell::new(PARTS))
    }

    /// Whether there is room for one more copy of a rule, which is then taken.
    pub(super) fn take(&self, rule: &Json) -> bool {
        let left = self.0.get().checked_sub(parts(rule));
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }
}

fn parts(rule: &Json) -> usize {
    match rule {
        Json::Array(elements) => 1 + elements.iter().map(parts).sum::<usize>(),
        Json::Object(members) => 1 + members.values().map(parts).sum::<usize>(),
        _ => 1,
    }
}
