//! How much may be written out of what stands elsewhere in a file.
//!
//! Segments within segments, and flags required by flags, are copied; without a limit, a file of a
//! few lines could come to more than there is memory.

use serde_json::Value as Json;
use std::cell::Cell;

/// So many parts of rules, elements of lists included.
const PARTS: usize = 200_000;

/// So many names that are not there get a hint. Each is held against all that are, and a file may
/// have as many of the one as of the other.
const HINTS: usize = 100;

/// What is left of it.
#[derive(Debug)]
pub(super) struct Room {
    parts: Cell<usize>,
    hints: Cell<usize>,
}

impl Room {
    pub(super) fn new() -> Self {
        Self { parts: Cell::new(PARTS), hints: Cell::new(HINTS) }
    }

    /// Whether there is room for one more copy of a rule, which is then taken.
    pub(super) fn take(&self, rule: &Json) -> bool {
        let left = self.parts.get().checked_sub(parts(rule));
        self.parts.set(left.unwrap_or(0));
        left.is_some()
    }

    /// The names to look for one that was meant in: none after so many hints.
    pub(super) fn names<'a>(
        &self,
        known: impl Iterator<Item = &'a str>,
    ) -> impl Iterator<Item = &'a str> {
        let left = self.hints.get().checked_sub(1);
        self.hints.set(left.unwrap_or(0));
        known.take(if left.is_some() { usize::MAX } else { 0 })
    }
}

fn parts(rule: &Json) -> usize {
    match rule {
        Json::Array(elements) => 1 + elements.iter().map(parts).sum::<usize>(),
        Json::Object(members) => 1 + members.values().map(parts).sum::<usize>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_hundred_get_a_hint() {
        let room = Room::new();
        let hints = (0..HINTS + 50).filter(|_| room.names(["known"].into_iter()).next().is_some());
        assert_eq!(hints.count(), HINTS);
    }
}
