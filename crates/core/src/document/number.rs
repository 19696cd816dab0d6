//! Numbers as flagd reads and prints them: Go's `strconv` rules, because who gets which variant
//! hangs on them (a bucketing key may be built from a number).

use std::fmt::{self, Write};

/// Parses the whole text as a decimal number; a number too large becomes an infinity.
///
/// Leading or trailing white space is not part of a number; a single `_` between digits is (`1_000`).
/// Go's hexadecimal floats (`0x1p-2`) are not numbers here: no attribute looks like that.
pub(crate) fn parse(text: &str) -> Option<f64> {
    text.parse().ok().or_else(|| parse_separated(text))
}

/// Parses a number with digit separators; longer than any double needs, it is no number.
fn parse_separated(text: &str) -> Option<f64> {
    let mut digits = [0; 64];
    let mut length = 0;
    let bytes = text.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        if byte != b'_' {
            *digits.get_mut(length)? = byte;
            length += 1;
            continue;
        }
        let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        if !is_digit(at.wrapping_sub(1)) || !is_digit(at + 1) {
            return None;
        }
    }
    std::str::from_utf8(digits.get(..length)?).ok()?.parse().ok()
}

/// The operand of an arithmetic operator: text that is no number counts as 0.
pub(crate) fn parse_or_zero(text: &str) -> f64 {
    parse(text).unwrap_or(0.0)
}

/// The operand of a comparison: blank text counts as 0; text that is no number, or one too large,
/// as NaN.
pub(crate) fn parse_comparable(text: &str) -> f64 {
    if text.trim().is_empty() {
        return 0.0;
    }
    let overflowed = |number: &f64| number.is_infinite() && text.contains(|c: char| c.is_numeric());
    parse(text).filter(|number| !overflowed(number)).unwrap_or(f64::NAN)
}

/// Writes plain decimal digits, as short as they can be and never with an exponent (Go's `'f', -1`).
pub(crate) fn write_plain(out: &mut String, number: f64) -> fmt::Result {
    if number.is_infinite() {
        out.push_str(if number > 0.0 { "+Inf" } else { "-Inf" });
        return Ok(());
    }
    write!(out, "{number}")
}

/// Writes the JSON text Go's encoder gives a number: an exponent outside `1e-6 <= |n| < 1e21`.
pub fn write_json(out: &mut String, number: f64) -> fmt::Result {
    let magnitude = number.abs();
    if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        return write!(out, "{number}");
    }
    let start = out.len();
    write!(out, "{number:e}")?;
    // Rust writes 1e21 where Go writes 1e+21; a negative exponent looks the same in both.
    let sign = out.get(start..).and_then(|digits| digits.find('e')).map(|at| start + at + 1);
    if let Some(at) = sign
        && out.as_bytes().get(at) != Some(&b'-')
    {
        out.insert(at, '+');
    }
    Ok(())
}

/// The number's whole part for an index, a count or a code point; NaN is 0 and the ends saturate.
#[expect(clippy::cast_possible_truncation, reason = "float casts saturate, which is the rule here")]
pub(crate) fn truncate(number: f64) -> i64 {
    number as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(number: f64) -> String {
        let mut out = String::new();
        write_plain(&mut out, number).unwrap();
        out
    }

    fn json(number: f64) -> String {
        let mut out = String::new();
        write_json(&mut out, number).unwrap();
        out
    }

    #[test]
    fn plain_digits_never_have_an_exponent() {
        let cases =
            [(1.0, "1"), (2.5, "2.5"), (1e21, "1000000000000000000000"), (1e-7, "0.0000001")];
        for (number, expected) in cases {
            assert_eq!(plain(number), expected);
        }
        assert_eq!(plain(f64::INFINITY), "+Inf");
    }

    #[test]
    fn json_text_follows_go() {
        let cases = [
            (0.0, "0"),
            (0.5, "0.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-7"),
            (-2e22, "-2e+22"),
        ];
        for (number, expected) in cases {
            assert_eq!(json(number), expected);
        }
    }

    #[test]
    fn text_becomes_a_number_by_the_operator_that_asks() {
        assert_eq!(parse_or_zero("12"), 12.0);
        assert_eq!(parse_or_zero("x"), 0.0);
        assert_eq!(parse_comparable("  "), 0.0);
        assert!(parse_comparable(" 12 ").is_nan());
        assert!(parse_comparable("x").is_nan());
        assert!(parse_comparable("1e400").is_nan());
        assert_eq!(parse("1_000.5_0"), Some(1000.5));
        assert_eq!(parse("1__0").or(parse("_1")).or(parse("1_")), None);
        assert_eq!(parse_comparable("-inf"), f64::NEG_INFINITY);
        assert_eq!(parse("1e400"), Some(f64::INFINITY));
    }
}
