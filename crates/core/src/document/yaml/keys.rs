//! How long the keys of a file are.
//!
//! The parser does not know whether a value in brackets is a key until it has read that many
//! characters behind the opening bracket. It holds a token of about 300 bytes for each word and sign
//! until then, so a bound for the longest key of any file would cost forty megabytes.

/// Characters of a key. YAML allows 1 024, but JSON's keys have no limit.
const MOST: usize = 128 << 10;

/// Every file may have keys of so many characters.
const LEAST: usize = 128;

/// The characters that a key of this file may have: as many as its longest key has bytes, or more.
pub(super) fn most_characters(yaml: &str) -> usize {
    let longest = yaml.match_indices(':').filter_map(|(colon, _)| {
        // Most keys are short, and need not be measured.
        let key = yaml.as_bytes().get(..colon)?;
        Some(length(key))
    });
    longest.max().unwrap_or_default().clamp(LEAST, MOST)
}

/// The bytes of the key at the end of a text, with the blanks behind it.
fn length(text: &[u8]) -> usize {
    let key = text.trim_ascii_end();
    let blanks = text.len() - key.len();
    let Some((quote @ (b'"' | b'\''), inner)) = key.split_last() else {
        let is_before =
            |byte: &u8| matches!(byte, b'\n' | b'\r' | b',' | b'{' | b'[' | b'"' | b':');
        return blanks + key.iter().rev().take(MOST).take_while(|byte| !is_before(byte)).count();
    };
    let skipped = inner.len().saturating_sub(MOST);
    let mut rest = inner.get(skipped..).unwrap_or_default();
    while let Some(begins) = rest.iter().rposition(|byte| byte == quote) {
        let before = rest.get(..begins).unwrap_or_default();
        let is_part = match quote {
            // A quote within the key stands behind a backslash, or twice.
            b'"' => before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1,
            _ => before.last() == Some(quote),
        };
        if !is_part {
            return blanks + key.len() - skipped - begins;
        }
        let end = if *quote == b'"' { begins } else { begins.saturating_sub(1) };
        rest = rest.get(..end).unwrap_or_default();
    }
    // An apostrophe, or a key that begins with the text.
    blanks + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_key_is_measured() {
        for (yaml, expected) in [
            ("abc", 2),
            ("\"abc\"", 5),
            ("{\"x\": 1, \"abc\"  ", 7),
            ("'it''s'", 7),
            ("{\"a\\\"b\"", 6),
            ("\n  key", 5),
            ("{ a: b, key", 4),
        ] {
            let yaml = format!("{yaml}:");
            let measured = length(yaml.trim_end_matches(':').as_bytes());
            assert!(measured >= expected && measured <= expected + 2, "{yaml}: {measured}");
        }
        let key = "k".repeat(5000);
        for yaml in [format!("{{\"{key}\": 1}}"), format!("{key}: 1"), format!("- '{key}' : 1")] {
            assert!((5000..5010).contains(&most_characters(&yaml)), "{}", most_characters(&yaml));
        }
        assert_eq!(most_characters("a: it's\nb: 1"), LEAST);
    }
}
