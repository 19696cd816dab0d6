//! Made-up YAML documents, in every layout that hand-written files have: mostly valid ones.

mod brackets;
mod texts;

use fastrand::Rng;

pub(super) struct Document {
    pub(super) text: String,
    /// Whether it is perhaps not valid.
    pub(super) is_mutated: bool,
}

/// Makes the document of a seed.
pub(super) fn document(seed: u64) -> Document {
    let mut maker = Maker { rng: Rng::with_seed(seed), anchors: Vec::new(), text: String::new() };
    maker.file();
    let mut text = maker.text;
    let rng = &mut maker.rng;
    // PyYAML refuses most tabs, so most documents have none.
    if rng.u8(..5) > 0 {
        text = text.replace('\t', " ");
    }
    if rng.u8(..10) == 0 {
        text = text.replace('\n', "\r\n");
    }
    if rng.u8(..12) == 0 {
        text.insert(0, '\u{feff}');
    }
    let is_mutated = rng.u8(..6) == 0;
    if is_mutated {
        mutate(&mut text, rng);
    }
    Document { text, is_mutated }
}

/// Inserts, removes or repeats a character or two.
fn mutate(text: &mut String, rng: &mut Rng) {
    const SPECIAL: &[u8] = b" \t\n:-[]{},#&*!|>'\"%@`?~\\.";
    for _ in 0..rng.u8(1..3) {
        let places: Vec<_> = text.char_indices().collect();
        let Some(&(at, char)) = rng.choice(&places) else { return };
        match rng.u8(..3) {
            0 => drop(text.remove(at)),
            1 => text.insert(at, char::from(*rng.choice(SPECIAL).unwrap())),
            _ => text.insert(at, char),
        }
    }
}

const WORDS: [&str; 24] = [
    "on",
    "off",
    "yes",
    "greeting",
    "new search",
    "a/b",
    "a-b",
    "x:y",
    "it's",
    "50%",
    "a#b",
    "<=",
    "~",
    "null",
    "True",
    "1_000",
    "0b11",
    "0x1F",
    "0o17",
    "017",
    "-1.50",
    "1e3",
    "2026-12-01",
    "12:30:45",
];

struct Maker {
    rng: Rng,
    anchors: Vec<String>,
    text: String,
}

impl Maker {
    fn one_in(&mut self, chances: u8) -> bool {
        self.rng.u8(..chances) == 0
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        self.rng.choice(of).copied().unwrap()
    }

    fn put(&mut self, text: &str) {
        self.text += text;
    }

    fn any(&mut self, of: &[&str]) {
        let text = self.pick(of);
        self.put(text);
    }

    fn indent(&mut self, columns: usize) {
        self.text.extend(std::iter::repeat_n(' ', columns));
    }

    fn file(&mut self) {
        if self.one_in(8) {
            self.any(&["# about\n", "\n", "\n\n# about\n\n", "  # in\n"]);
        }
        if self.one_in(40) {
            self.put("%YAML 1.1\n---\n");
        } else if self.one_in(5) {
            self.any(&["---\n", "--- # first\n", "---\n---\n", "---   \n", "---\t\n"]);
        }
        match self.rng.u8(..20) {
            0 => {
                self.flow(0, 0);
                self.put("\n");
            }
            1 => self.sequence(0, 0),
            _ => self.mapping(0, 0),
        }
        if self.one_in(5) {
            self.any(&["---\n", "...\n", "...\n---\n", "--- # no more\n", "\n\n# end", "---"]);
        }
        if self.one_in(60) {
            self.put("---\nb: 2\n");
        }
        if self.one_in(12) && !self.text.ends_with([' ', '\t']) {
            self.text.truncate(self.text.trim_end_matches('\n').len());
        }
    }

    /// Ends a line; lines without content may follow.
    fn end(&mut self) {
        match self.rng.u8(..16) {
            0 => self.put(" # why\n"),
            1 => self.put("\t# why\n"),
            2 => self.any(&[" \n", "\t\n", "  \t \n"]),
            3 => self.any(&["\n\n", "\n# why\n", "\n      # why\n", "\n  \n", "\n\n\n"]),
            _ => self.put("\n"),
        }
    }

    /// Separates tokens of one line.
    fn blank(&mut self) {
        match self.rng.u8(..12) {
            0 => self.put("\t"),
            1 => self.any(&["  ", " \t", "\t ", "    "]),
            _ => self.put(" "),
        }
    }

    fn mapping(&mut self, column: usize, depth: usize) {
        for place in 0..self.rng.u8(1..5) {
            if place > 0 || column == 0 {
                self.indent(column);
            }
            if self.one_in(30) {
                self.put("? ");
                self.key();
                self.end();
                self.indent(column);
                self.put(":");
            } else if !self.anchors.is_empty() && self.one_in(25) {
                self.put("<<:");
                self.blank();
                let name = self.rng.choice(&self.anchors).unwrap().clone();
                self.put(&format!("*{name}"));
                self.end();
                continue;
            } else {
                self.key();
                self.any(&["", "", "", "", " ", "\t"]);
                self.put(":");
            }
            self.value(column, depth, true);
        }
    }

    fn sequence(&mut self, column: usize, depth: usize) {
        for place in 0..self.rng.u8(1..5) {
            if place > 0 || column == 0 || self.text.ends_with('\n') {
                self.indent(column);
            }
            self.put("-");
            if depth < 4 && self.one_in(3) {
                let gap = self.rng.usize(1..4);
                self.indent(gap);
                match self.one_in(2) {
                    true => self.mapping(column + 1 + gap, depth + 1),
                    false => self.sequence(column + 1 + gap, depth + 1),
                }
            } else {
                self.value(column, depth, false);
            }
        }
    }

    fn key(&mut self) {
        match self.rng.u8(..8) {
            0 => self.quoted_line(),
            1 => self.any(&["!!str ", "&k ", "! "]),
            _ => {}
        }
        if !self.text.ends_with(['"', '\'']) {
            let number = self.rng.u32(..);
            let word = self.pick(&WORDS);
            self.put(word);
            if self.rng.bool() {
                self.put(&format!("{}", number % 1000));
            }
        }
    }

    /// What follows the colon or dash that stands in this column, up to the end of the line.
    fn value(&mut self, column: usize, depth: usize, in_mapping: bool) {
        if self.one_in(12) {
            self.end();
            return;
        }
        if self.one_in(14) && !self.anchors.is_empty() {
            let name = self.rng.choice(&self.anchors).unwrap().clone();
            self.blank();
            self.put(&format!("*{name}"));
            self.end();
            return;
        }
        let mut anchor = None;
        if self.one_in(12) {
            let name = format!("a{}", self.text.len());
            self.blank();
            self.put(&format!("&{name}"));
            anchor = Some(name);
        }
        if self.one_in(16) {
            self.blank();
            self.any(&["!!str", "!vault", "!!int", "!!float", "!!bool", "!!map", "!!seq"]);
        }
        match self.rng.u8(..12) {
            0 | 1 if depth < 4 => {
                self.end();
                let deeper = column + self.rng.usize(1..5);
                self.indent_first(deeper);
                self.mapping(deeper, depth + 1);
            }
            2 if depth < 4 => {
                self.end();
                // In a mapping the dashes may stand in the column of the key.
                let least = usize::from(!in_mapping);
                let deeper = column + self.rng.usize(least..4);
                self.sequence(deeper, depth + 1);
            }
            3..=5 => {
                self.blank();
                self.flow(column, depth);
                self.end();
            }
            6 => self.block_text(column),
            7 => {
                self.blank();
                self.quoted(column);
                self.end();
            }
            8 => {
                self.blank();
                self.plain_lines(column);
                self.end();
            }
            _ => {
                self.blank();
                match self.one_in(4) {
                    true => self.quoted_line(),
                    false => self.any(&WORDS),
                }
                self.end();
            }
        }
        self.anchors.extend(anchor);
    }

    /// The first entry of a mapping on a line of its own; the mapping indents the others.
    fn indent_first(&mut self, column: usize) {
        if column > 0 {
            self.indent(column);
        }
    }
}
