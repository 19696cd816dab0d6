//! Lists and mappings in brackets of generated documents.

use super::Maker;

impl Maker {
    /// A list or a mapping in brackets, perhaps over lines.
    pub(super) fn flow(&mut self, column: usize, depth: usize) {
        let is_list = self.rng.bool();
        let over_lines = self.one_in(3);
        self.put(if is_list { "[" } else { "{" });
        let count = self.rng.u8(..4);
        for place in 0..count {
            self.within(column, over_lines);
            if !is_list {
                self.flow_key(column, over_lines);
            } else if self.one_in(10) {
                self.put("pair: ");
            }
            self.flow_value(column, depth);
            self.any(&["", "", " "]);
            if place + 1 < count || self.one_in(5) {
                self.put(",");
                if !over_lines {
                    self.any(&[" ", " ", "\t", ""]);
                }
            }
        }
        self.within(column, over_lines);
        self.put(if is_list { "]" } else { "}" });
    }

    pub(super) fn flow_key(&mut self, column: usize, over_lines: bool) {
        if self.one_in(15) {
            self.put("? ");
        }
        match self.rng.u8(..3) {
            0 => {
                self.quoted_line();
                self.any(&[":", ": ", " : "]);
            }
            _ => {
                self.any(&["if", "var", "in", "1", "on", "a b"]);
                self.any(&[": ", ": ", " : ", ":\t"]);
            }
        }
        if over_lines && self.one_in(6) {
            self.within(column, true);
        }
    }

    pub(super) fn flow_value(&mut self, column: usize, depth: usize) {
        match self.rng.u8(..8) {
            0 | 1 if depth < 4 => self.flow(column, depth + 1),
            2 | 3 => self.quoted_line(),
            4 if self.one_in(3) => self.quoted(column),
            5 if self.one_in(3) => self.any(&["!!str 1", "!vault x", "!!int '3'", "! x", "&f 5"]),
            _ => self.any(&["on", "0.5", "true", "~", "two words", "-1", "a/b", "017"]),
        }
    }

    /// Between tokens in brackets: nothing, or a new line that begins in any column.
    pub(super) fn within(&mut self, column: usize, over_lines: bool) {
        if !over_lines || self.one_in(4) {
            return;
        }
        self.any(&["\n", "\n", "\n", " \n", "\n\n", " # why\n", "\n# why\n"]);
        let to = column + self.rng.usize(0..5);
        self.indent(to);
        if self.one_in(10) {
            self.put("\t");
        }
    }
}
