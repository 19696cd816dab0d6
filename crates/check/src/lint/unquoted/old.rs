//! Plain scalars that readers of YAML 1.1 take for numbers or moments, and YAML 1.2 for texts.
//!
//! The forms are those of <https://yaml.org/type/int.html>, <https://yaml.org/type/float.html> and
//! <https://yaml.org/type/timestamp.html>, and of Go's yaml.v3, which reads `0X1F` too.

/// The number that such a reader makes of a text: `1_000`, `0b101`, `0X1F`, `1_0.5`.
pub(super) fn number(text: &str) -> Option<String> {
    let (sign, unsigned) = signed(text);
    if !unsigned.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let digits = unsigned.replace('_', "");
    let radixes = [("0b", 2), ("0B", 2), ("0o", 8), ("0O", 8), ("0x", 16), ("0X", 16)];
    for (prefix, radix) in radixes {
        if let Some(digits) = digits.strip_prefix(prefix) {
            return whole(sign, digits, radix);
        }
    }
    let is_decimal = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !unsigned.contains('_') || !is_decimal {
        return None;
    }
    if let Some(number) = octal(&digits) {
        return Some(format!("{sign}{number}"));
    }
    digits.parse::<f64>().ok().map(|_| format!("{sign}{digits}"))
}

/// The number that a plain scalar with a leading zero is in base 8: 15 for `017`.
pub(super) fn octal(written: &str) -> Option<String> {
    let (sign, unsigned) = signed(written);
    let of_word = |char: char| char.is_alphanumeric() || matches!(char, '.' | '_' | '-' | ':');
    let word = unsigned.split(|char| !of_word(char)).next()?;
    let digits = word.strip_prefix('0').filter(|digits| !digits.is_empty())?;
    whole(sign, digits, 8)
}

/// The sign that a number is written with, if it is a minus, and the rest.
fn signed(text: &str) -> (&'static str, &str) {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    (if text.starts_with('-') { "-" } else { "" }, unsigned)
}

/// The number that digits of a radix are, in base 10.
fn whole(sign: &str, digits: &str, radix: u32) -> Option<String> {
    let is_digits = digits.chars().all(|digit| digit.is_digit(radix));
    let number = u128::from_str_radix(digits, radix).ok().filter(|_| is_digits)?;
    Some(format!("{sign}{number}"))
}

/// What such a reader takes a text for: a date, a moment, or a number in base 60.
pub(super) fn moment(text: &str) -> Option<&'static str> {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (date, rest) = text.split_at_checked(10).unwrap_or((text, ""));
    let parts: Vec<&str> = date.split('-').collect();
    if let [year, month, day] = parts.as_slice()
        && [year, month, day].into_iter().all(|part| is_digits(part))
        && (year.len(), month.len(), day.len()) == (4, 2, 2)
    {
        let clock = rest.strip_prefix(['T', 't', ' ']).map(str::trim_start);
        return match clock {
            None => rest.is_empty().then_some("a date"),
            Some(clock) => clock.contains(':').then_some("a moment"),
        };
    }
    let (_, unsigned) = signed(text);
    let mut parts = unsigned.split(':');
    let first = parts.next().is_some_and(|first| is_digits(first) && !first.starts_with('0'));
    let mut rest = parts.map(|part| {
        let whole = part.split('.').next().unwrap_or_default();
        is_digits(whole) && whole.len() <= 2 && whole.parse().is_ok_and(|part: u8| part < 60)
    });
    (first && unsigned.contains(':') && rest.all(|part| part)).then_some("a number in base 60")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_old_readers_are_known() {
        for (text, read) in [
            ("1_000", "1000"),
            ("-1_000", "-1000"),
            ("1_0.5", "10.5"),
            ("0b101", "5"),
            ("0X1F", "31"),
            ("-0x1F", "-31"),
            ("0x_1F", "31"),
            ("0o1_7", "15"),
            ("01_7", "15"),
        ] {
            assert_eq!(number(text).as_deref(), Some(read), "{text}");
        }
        for text in ["", "on", "0b12", "0x", "1_a", "_1", "1.2.3_4", "2026-12-01", "grün", "0b"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn octal_numbers_end_with_their_word() {
        for (written, read) in [
            ("017", Some("15")),
            ("-017 }", Some("-15")),
            ("020, x", Some("16")),
            ("00", Some("0")),
        ] {
            assert_eq!(octal(written).as_deref(), read, "{written}");
        }
        for written in ["018", "01.5", "0", "17", "01-2"] {
            assert_eq!(octal(written), None, "{written}");
        }
    }

    #[test]
    fn moments_of_old_readers_are_known() {
        for (text, kind) in [
            ("2026-12-01", Some("a date")),
            ("2026-12-01T09:00:00Z", Some("a moment")),
            ("2026-12-01 09:00:00", Some("a moment")),
            ("1:30", Some("a number in base 60")),
            ("12:30:45", Some("a number in base 60")),
            ("-1:30.5", Some("a number in base 60")),
            ("09:30", None),
            ("1:75", None),
            ("1:", None),
            ("a:30", None),
            ("2026-12", None),
            ("2026-12-01x", None),
            ("grün-ä-ö-ü", None),
        ] {
            assert_eq!(moment(text), kind, "{text}");
        }
    }
}
