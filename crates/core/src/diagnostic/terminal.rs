//! Text of unknown origin made safe to print: for a terminal or CI log, for JSON, for a shell.
//!
//! Keys, file names, variants and reasons come from files, clients and the command line. A terminal
//! obeys control characters in them, a bidirectional override reorders the line, and a CI runner
//! runs `::error::` and `##[command]`. Every line that the program prints goes through
//! [`Printable`], every JSON document through [`printable_json`], every command to copy through
//! [`shell_word`].

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

/// One line of text that cannot steer a terminal or a CI runner. Printing the result again changes nothing.
#[derive(Debug, Clone, Copy)]
pub struct Printable<T>(pub T);

impl<T: fmt::Display> fmt::Display for Printable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        for (at, char) in text.char_indices() {
            if is_steering(&text, at, char) {
                match char {
                    '\n' | '\r' | '\t' => write!(f, "{}", char.escape_default())?,
                    _ => write!(f, "{}", char.escape_unicode())?,
                }
            } else {
                f.write_char(char)?;
            }
        }
        Ok(())
    }
}

/// A JSON document whose texts steer no terminal: the same document, with more escapes.
pub fn printable_json(json: &str) -> Cow<'_, str> {
    let is_escaped = |at, char| char != '\n' && is_steering(json, at, char);
    if !json.char_indices().any(|(at, char)| is_escaped(at, char)) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len() + 64);
    for (at, char) in json.char_indices() {
        if is_escaped(at, char) {
            for unit in char.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                write!(text, "\\u{unit:04x}").unwrap_or_default();
            }
        } else {
            text.push(char);
        }
    }
    Cow::Owned(text)
}

/// Bytes as one word of a POSIX shell, which expands nothing in it. Control characters are written
/// as bash, zsh and ksh read them (`$'\033'`); other shells take such a word as a text.
pub fn shell_word(bytes: &[u8]) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+:,./-".contains(&byte);
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.is_empty() && bytes.iter().copied().all(is_plain) => text.to_owned(),
        Ok(text) if !text.char_indices().any(|(at, char)| is_steering(text, at, char)) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        _ => {
            let mut word = "$'".to_owned();
            for byte in bytes {
                match byte {
                    // A quote by its number, so that a shell without `$'` sees no end of the text.
                    b'\'' | b'\\' | b'#' | b':' | ..b' ' | 0x7f.. => write!(word, "\\{byte:03o}"),
                    byte => write!(word, "{}", char::from(*byte)),
                }
                .unwrap_or_default();
            }
            word + "'"
        }
    }
}

/// Whether a character of a text steers its reader.
fn is_steering(text: &str, at: usize, char: char) -> bool {
    match char {
        ' '..='~' if char != '#' && char != ':' => false,
        ':' => begins_command(text, at),
        '#' => ends_marker(text, at),
        char => char.is_control() || is_invisible(char),
    }
}

/// Whether a colon begins a workflow command of GitHub: `::name`, first on its line.
fn begins_command(text: &str, at: usize) -> bool {
    let (before, after) = text.split_at_checked(at).unwrap_or_default();
    let names = after.strip_prefix("::").and_then(|name| name.chars().next());
    names.is_some_and(char::is_alphabetic) && before.trim_start().is_empty()
}

/// Whether a `#` is the last of `##[command]`, `##vso[` or `##teamcity[`, which runners look for
/// anywhere in a line.
fn ends_marker(text: &str, at: usize) -> bool {
    let (before, after) = text.split_at_checked(at).unwrap_or_default();
    if !before.ends_with('#') || after.starts_with("##") {
        return false;
    }
    let name = after.trim_start_matches('#');
    name.trim_start_matches(|char: char| char.is_ascii_alphabetic()).starts_with('[')
}

/// Whether a character is not seen but changes how others are read: bidirectional controls, line
/// and paragraph separators, zero-width marks and tags. The joiners of scripts and emoji are not
/// among them.
fn is_invisible(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_what_is_seen_and_spells_out_what_steers() {
        for (text, expected) in [
            ("new page, 50 % · ümläut · 日本 · 👩‍💻", "new page, 50 % · ümläut · 日本 · 👩‍💻"),
            ("k\nERROR\r\t\u{1b}[31m\u{7}", "k\\nERROR\\r\\t\\u{1b}[31m\\u{7}"),
            ("\u{7f}\u{9b}2J\0", "\\u{7f}\\u{9b}2J\\u{0}"),
            ("a\u{202e}b\u{2066}\u{2028}\u{200b}", "a\\u{202e}b\\u{2066}\\u{2028}\\u{200b}"),
            ("::error::x", "\\u{3a}:error::x"),
            (" \u{85}::set-output", " \\u{85}\\u{3a}:set-output"),
            ("a::error::x", "a::error::x"),
            ("::1", "::1"),
            ("a ##[command] ##vso[x] ###[y]", "a #\\u{23}[command] #\\u{23}vso[x] ##\\u{23}[y]"),
            ("## a title # [x]", "## a title # [x]"),
        ] {
            let printed = Printable(text).to_string();
            assert_eq!(printed, expected);
            assert_eq!(Printable(&printed).to_string(), printed, "a second time");
        }
    }

    #[test]
    fn json_stays_the_same_document() {
        let value =
            serde_json::json!({"a\u{202e}\u{7f}": ["\u{9b}2J\u{2028}##[x]", "\u{e0001}\n", "ä"]});
        for json in [value.to_string(), format!("{value:#}")] {
            let printed = printable_json(&json);
            assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).unwrap(), value);
            assert!(!printed.contains(['\u{202e}', '\u{7f}', '\u{9b}', '\u{2028}', '\u{e0001}']));
            assert!(printed.contains('ä') && !printed.contains("##["), "{printed}");
        }
        assert!(matches!(printable_json("{\n}"), Cow::Borrowed("{\n}")));
    }

    #[test]
    fn a_shell_word_is_quoted_only_where_it_has_to_be() {
        for (text, expected) in [
            (&b"new_page-2.b/x"[..], "new_page-2.b/x"),
            (b"", "''"),
            (b"$(id)`id`!\"", "'$(id)`id`!\"'"),
            (b"it's", r"'it'\''s'"),
            (b"~", "'~'"),
            (b"a\x1b'\n", r"$'a\033\047\012'"),
            (b"\xff", r"$'\377'"),
            (b"##[x]", r"$'\043\043[x]'"),
        ] {
            assert_eq!(shell_word(text), expected);
        }
    }
}
