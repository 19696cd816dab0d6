//! How many names that a file does not have get a hint.

use std::cell::Cell;

/// So many names that are not there get a hint. Each is held against all that are, and a file may
/// have as many of the one as of the other.
const HINTS: usize = 100;

/// What is left of it.
#[derive(Debug)]
pub(super) struct ExpansionBudget {
    hints: Cell<usize>,
}

impl ExpansionBudget {
    pub(super) fn new() -> Self {
        Self { hints: Cell::new(HINTS) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_hundred_get_a_hint() {
        let room = ExpansionBudget::new();
        let hints = (0..HINTS + 50).filter(|_| room.names(["known"].into_iter()).next().is_some());
        assert_eq!(hints.count(), HINTS);
    }
}
