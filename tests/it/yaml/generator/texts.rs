//! Texts of generated documents: plain, quoted and in blocks.

use super::Maker;

const TEXTS: [&str; 16] = [
    "",
    " ",
    "a: b",
    "# no comment",
    "- x",
    "[",
    "]",
    "it's",
    "say \"hi\"",
    "a\\b",
    "grün 🏔",
    "1",
    "null",
    "a, b",
    "@example.com",
    "*",
];

impl Maker {
    /// A plain text over lines, each deeper than its key.
    pub(super) fn plain_lines(&mut self, column: usize) {
        self.put("some words");
        for _ in 0..self.rng.u8(1..4) {
            self.any(&["\n", "\n", "\n\n", " \n", "\n \t\n"]);
            let deeper = column + self.rng.usize(1..6);
            self.indent(deeper);
            self.any(&["and more", "so - it", "on", "1", "\"quoted\""]);
        }
    }

    pub(super) fn quoted_line(&mut self) {
        let text = self.pick(&TEXTS);
        let quoted = match self.rng.bool() {
            true => format!("'{}'", text.replace('\'', "''")),
            false => format!("{text:?}"),
        };
        self.put(&quoted);
    }

    /// A quoted text, perhaps over lines that begin in the column of the key.
    pub(super) fn quoted(&mut self, column: usize) {
        let quote = if self.rng.bool() { "\"" } else { "'" };
        self.put(quote);
        self.any(&["", "a", "some: words", "# x", "- y"]);
        for _ in 0..self.rng.u8(..4) {
            let breaks = ["\n", "\n", "\n\n", " \n", "\t\n", "\n\n\n"];
            self.any(&breaks);
            if quote == "\"" && self.one_in(6) {
                self.put("\\x41\\u00e9\\t\\\n");
            }
            let to = column + self.rng.usize(0..4);
            self.indent(to);
            self.any(&["more", "a # b", "k: v", "-", "] }", "\tx", "é"]);
        }
        self.put(quote);
    }

    pub(super) fn block_text(&mut self, column: usize) {
        self.blank();
        self.any(&["|", ">"]);
        let indent = self.rng.usize(1..5);
        let says = self.one_in(5) && column == 0;
        if says {
            self.put(&indent.to_string());
        }
        self.any(&["", "", "-", "+"]);
        self.any(&["\n", "\n", " # why\n", "  \n"]);
        for line in 0..self.rng.u8(..5) {
            if line > 0 && self.one_in(4) {
                self.put("\n");
                continue;
            }
            let more = if (says || line > 0) && self.one_in(4) { 2 } else { 0 };
            self.indent(column + indent + more);
            self.any(&["line", "# text", "a: b", "- c", "end  ", "tab\tin", "'\""]);
            self.put("\n");
        }
    }
}
