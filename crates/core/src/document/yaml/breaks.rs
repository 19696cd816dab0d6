//! Characters that look like a line break or a blank to some readers of YAML, and to others do not.
//!
//! YAML 1.1 breaks lines at U+0085, U+2028 and U+2029, and YAML 1.2 does not
//! (<https://yaml.org/spec/1.2.2/#54-line-break-characters>). A member behind one of them is part of
//! a comment or of a text here, and a member to Go's yaml.v3 and PyYAML.

use crate::diagnostic::{Diagnostic, Path, Position, problems::Problems};

/// Warns of each such character, at its place.
pub(super) fn warn(yaml: &str, warnings: &mut Problems) {
    // Nearly every file is searched once and has none.
    if yaml.is_ascii() {
        return;
    }
    for (line, text) in yaml.lines().enumerate() {
        if text.is_ascii() {
            continue;
        }
        let indent = text.len() - text.trim_start().len();
        let mut is_indent_told = false;
        for (column, (at, c)) in text.char_indices().enumerate() {
            let (looks_like, help) = match c {
                '\u{85}' | '\u{2028}' | '\u{2029}' => (
                    "that YAML 1.1 takes for a line break, and YAML 1.2 does not",
                    "break the line, or remove the character",
                ),
                '\u{a0}' | '\u{3000}' if at < indent && !is_indent_told => {
                    is_indent_told = true;
                    (
                        "in the indentation, where it does not count as a blank",
                        "indent with plain spaces",
                    )
                }
                _ => continue,
            };
            let message = format!("has a character U+{:04X} {looks_like}", u32::from(c));
            let position = Position { line: line + 1, column: column + 1 };
            let warning = Diagnostic::warning(Path::default(), message, help);
            warnings.push(Diagnostic { position, ..warning });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::to_json;

    #[test]
    fn line_breaks_of_other_versions_are_told_at_their_places() {
        for (yaml, place) in [
            ("a: on # x\u{85}    killed: true\n", "1:10"),
            ("b: 1\na: \"ä\u{2028}b\"\n", "2:6"),
            ("a: x\u{2029}y\n", "1:5"),
        ] {
            let told = to_json(yaml, false).unwrap().warnings.finish().0;
            let [warning] = &told[..] else { panic!("{yaml}: {told:?}") };
            let found = format!("{}:{}", warning.position.line, warning.position.column);
            assert_eq!(found, place, "{yaml}");
        }
    }

    #[test]
    fn other_characters_and_blanks_within_a_line_are_not_told() {
        for yaml in ["a: grün\n", "a: 10\u{a0}%\n", "a: b\r\nc: d\r\n"] {
            assert_eq!(to_json(yaml, false).unwrap().warnings.finish().0, [], "{yaml}");
        }
    }
}
