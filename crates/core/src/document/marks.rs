//! Where parts of a file's JSON text were written: a mark for each line, or for each key and value of
//! YAML. A file can have as many as it has words, so that a mark takes twelve bytes.

use crate::diagnostic::Position;

/// Marks in the order of the text.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// Each but the last is full. One list of all takes three times its memory as it grows.
    blocks: Vec<Vec<Mark>>,
}

/// A place in the text and its position, as far as 32 bits count.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at: u32,
    line: u32,
    column: u32,
}

/// The marks of a block.
const BLOCK: usize = 1024;

impl Marks {
    /// Adds a mark behind the others.
    pub(crate) fn push(&mut self, at: usize, Position { line, column }: Position) {
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let mark = Mark { at: small(at), line: small(line), column: small(column) };
        match self.blocks.last_mut() {
            Some(block) if block.len() < BLOCK => block.push(mark),
            _ => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(mark);
                self.blocks.push(block);
            }
        }
    }

    /// Removes the marks from a place of the text on.
    pub(crate) fn truncate(&mut self, at: usize) {
        while let Some(block) = self.blocks.last_mut() {
            let kept = block.partition_point(|mark| mark.at() < at);
            block.truncate(kept);
            if kept > 0 {
                return;
            }
            self.blocks.pop();
        }
    }

    /// The last mark at a place of the text or before it.
    pub(crate) fn before(&self, at: usize) -> Option<(usize, Position)> {
        let is_before = |mark: &Mark| mark.at() <= at;
        let blocks = self.blocks.partition_point(|block| block.first().is_some_and(is_before));
        let block = self.blocks.get(blocks.checked_sub(1)?)?;
        let mark = block.get(block.partition_point(is_before).checked_sub(1)?)?;
        Some((mark.at(), mark.position()))
    }
}

impl Mark {
    fn at(&self) -> usize {
        usize::try_from(self.at).unwrap_or(usize::MAX)
    }

    fn position(&self) -> Position {
        let large = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Position { line: large(self.line), column: large(self.column) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_before_each_place_and_removed_behind_one() {
        let mut marks = Marks::default();
        assert_eq!(marks.before(7), None);
        let position = |line| Position { line, column: 1 };
        for line in 1..=3 * BLOCK {
            marks.push(10 * line, position(line));
        }
        for line in [1, 2, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK] {
            let before = if line > 1 { Some((10 * line - 10, position(line - 1))) } else { None };
            assert_eq!(marks.before(10 * line - 1), before);
            assert_eq!(marks.before(10 * line), Some((10 * line, position(line))));
        }
        marks.truncate(10 * BLOCK + 10);
        assert_eq!(marks.before(usize::MAX), Some((10 * BLOCK, position(BLOCK))));
        marks.push(10 * BLOCK + 3, position(9));
        assert_eq!(marks.before(usize::MAX), Some((10 * BLOCK + 3, position(9))));
        marks.truncate(0);
        assert_eq!(marks.before(usize::MAX), None);
    }
}
