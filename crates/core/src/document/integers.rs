//! Numbers that are served as other numbers: integers beyond ±(2^53−1), which a double does not hold
//! exactly, and numbers so small that their double is 0. Lost digits of fractions are normal.

use super::{
    members::{Members, RawElements},
    number,
};
use crate::diagnostic::{Diagnostic, Path, Step, problems::Problems};
use serde_json::{Number, value::RawValue};
use std::borrow::Cow;

/// Up to here, with either sign, each integer has a double of its own.
const LARGEST: u64 = (1 << 53) - 1;

/// Fewer digits make no integer that is too large, and no fraction that is too small.
const LEAST_DIGITS: usize = 16;

/// Longer numbers are shortened in messages.
const LONGEST_SHOWN: usize = 40;

/// With fewer digits after `e-` and fewer than [`LEAST_DIGITS`] in a row, no number is too small.
const LEAST_EXPONENT: usize = 3;

pub(crate) const HELP: &str = "write it in quotes: a text is not rounded";

/// Warns of each number in a value that is read as another number, or may be.
pub(super) fn warn(raw: &RawValue, path: &Path, found: &mut Problems) {
    if may_have(raw.get()) {
        walk(raw, &mut path.clone(), found);
    }
}

/// Whether a text may have a number that is too large or too small: a run of digits, or an
/// exponent, that is long enough.
pub(super) fn may_have(text: &str) -> bool {
    let is_long_exponent = |at: usize| {
        let (before, after) = text.as_bytes().split_at_checked(at).unwrap_or_default();
        let power = after.iter().skip(1).take_while(|byte| byte.is_ascii_digit());
        matches!(before.last(), Some(b'e' | b'E')) && power.count() >= LEAST_EXPONENT
    };
    may_have_integer(text) || text.match_indices('-').any(|(at, _)| is_long_exponent(at))
}

/// Whether a text has a run of digits that is long enough for an integer that is too large.
fn may_have_integer(text: &str) -> bool {
    let digits =
        |part: &mut dyn Iterator<Item = &u8>| part.take_while(|c| c.is_ascii_digit()).count();
    let bytes = text.as_bytes();
    // Every long run has a digit at one of these places.
    (LEAST_DIGITS - 1..bytes.len()).step_by(LEAST_DIGITS).any(|at| {
        let (before, after) = bytes.split_at_checked(at).unwrap_or_default();
        let ahead = digits(&mut after.iter());
        ahead > 0 && ahead + digits(&mut before.iter().rev()) >= LEAST_DIGITS
    })
}

/// Why a number is not the one that was written, if it is an integer that is too large.
pub(crate) fn inexact(number: &Number) -> Option<String> {
    let is_exact = match (number.as_u64(), number.as_i64()) {
        (Some(number), _) => number <= LARGEST,
        (None, Some(number)) => number.unsigned_abs() <= LARGEST,
        // The digits are lost where the integer is too large for any of them.
        (None, None) => number.as_f64().is_none_or(is_exact),
    };
    (!is_exact).then(|| message(&number.to_string(), number.as_f64().unwrap_or_default()))
}

/// Why the first number of a JSON text is not the one that was written, if there is one.
pub fn inexact_within(json: &str) -> Option<String> {
    let mut found = Problems::with_room(1);
    warn(serde_json::from_str(json).ok()?, &Path::default(), &mut found);
    found.finish().0.pop().map(|warning| warning.message.into())
}

/// Whether a number is a fraction, or an integer that no other integer is rounded to.
#[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is exact")]
fn is_exact(number: f64) -> bool {
    number.trunc() != number || number.abs() <= LARGEST as f64
}

/// The number that is served for a number: an integer that is too large becomes a double.
pub(crate) fn rounded(number: &Number) -> Number {
    let served = inexact(number).and_then(|_| Number::from_f64(number.as_f64()?));
    served.unwrap_or_else(|| number.clone())
}

/// The value was read already, so it is not nested too deeply for this.
fn walk(raw: &RawValue, path: &mut Path, found: &mut Problems) {
    let text = raw.get();
    match text.as_bytes().first() {
        _ if !may_have(text) => {}
        Some(b'{') => {
            for (name, member) in Members::parse(raw).unwrap_or_default().0 {
                path.enter(Step::Member(name.as_ref().into()));
                walk(member, path, found);
                path.leave();
            }
        }
        Some(b'[') => {
            let RawElements(elements) = serde_json::from_str(text).unwrap_or_default();
            for (place, element) in elements.into_iter().enumerate() {
                path.enter(Step::Place(place));
                walk(element, path, found);
                path.leave();
            }
        }
        _ => found.extend(inexact_text(text).map(|why| Diagnostic::warning(&*path, why, HELP))),
    }
}

/// Why a number is not the one that was written.
pub(crate) fn inexact_text(text: &str) -> Option<String> {
    if is_too_small(text) {
        let text = shortened(text);
        return Some(format!("{text} becomes 0: it is closer to 0 than any double but 0 is"));
    }
    is_too_large(text).then(|| message(text, text.parse().unwrap_or_default()))
}

/// Whether a value is a number other than 0 that is read as 0.
fn is_too_small(text: &str) -> bool {
    let digits = text.split(['e', 'E']).next().unwrap_or_default();
    let is_zero = |number: f64| number == 0.0;
    digits.contains(|digit: char| matches!(digit, '1'..='9')) && text.parse().is_ok_and(is_zero)
}

/// Whether a value is an integer, written as one, that is too large.
fn is_too_large(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_integer = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_integer && digits.parse::<u64>().map_or(true, |number| number > LARGEST)
}

/// The beginning of a number that is longer than anybody reads.
fn shortened(number: &str) -> Cow<'_, str> {
    match number.get(..LONGEST_SHOWN) {
        Some(start) if number.len() > LONGEST_SHOWN => format!("{start}…").into(),
        _ => number.into(),
    }
}

fn message(written: &str, served: f64) -> String {
    let mut number = String::new();
    // Writing to a string cannot fail.
    number::write_json(&mut number, served).unwrap_or_default();
    let larger = "integers beyond ±(2^53−1) are rounded";
    let is_same = number == written;
    let written = shortened(written);
    match is_same {
        true => format!("{written} may be another number: {larger}"),
        false => format!("{written} becomes {number}: {larger}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(json: &str) -> Vec<String> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let mut found = Problems::with_room(9);
        warn(raw, &Path::from("v"), &mut found);
        found.finish().0.iter().map(|told| format!("{}: {}", told.path, told.message)).collect()
    }

    #[test]
    fn integers_that_are_rounded_are_found_wherever_they_stand() {
        let rounded = |path: &str, from: &str, to: &str| {
            vec![format!("{path}: {from} becomes {to}: integers beyond ±(2^53−1) are rounded")]
        };
        for (json, path, from, to) in [
            ("9007199254740993", "v", "9007199254740993", "9007199254740992"),
            ("-9007199254740993", "v", "-9007199254740993", "-9007199254740992"),
            ("18446744073709551615", "v", "18446744073709551615", "18446744073709552000"),
            ("[1,{\"a\":[9007199254740993]}]", "v[1].a[0]", "9007199254740993", "9007199254740992"),
            ("1000000000000000000000000", "v", "1000000000000000000000000", "1e+24"),
        ] {
            assert_eq!(warnings(json), rounded(path, from, to), "{json}");
        }
        assert_eq!(warnings(&"9".repeat(300)).len(), 1);
        let same =
            "v: 9007199254740992 may be another number: integers beyond ±(2^53−1) are rounded";
        assert_eq!(warnings("9007199254740992"), [same]);
    }

    #[test]
    fn numbers_that_become_zero_are_found() {
        let (small, shown) = (format!("0.{}1", "0".repeat(400)), format!("0.{}…", "0".repeat(38)));
        let mut cases: Vec<(&str, &str)> = vec![(&small, &shown)];
        cases.extend(
            ["1e-400", "-1e-400", "4.9e-325", "1E-0400", "12345.5e-999"].map(|same| (same, same)),
        );
        for (number, shown) in cases {
            let told =
                format!("v[0].a: {shown} becomes 0: it is closer to 0 than any double but 0 is");
            assert_eq!(warnings(&format!("[{{\"a\":{number}}}]")), [told]);
        }
    }

    #[test]
    fn other_numbers_and_texts_are_not() {
        for json in [
            "9007199254740991",
            "-9007199254740991",
            "\"9007199254740993\"",
            "{\"9007199254740993\":1}",
            "0.1234567890123456789",
            "1.0000000000000000",
            "1e300",
            "9007199254740993e0",
            "0.1000000000000000055511151231257827",
            "5e-324",
            "1e-300",
            "0e-400",
            "0.0000000000000000000000000000000000",
            "\"1e-400\"",
            "[1111111111111111, 222222222222222]",
            "-0",
        ] {
            assert_eq!(warnings(json), Vec::<String>::new(), "{json}");
        }
    }

    #[test]
    fn a_long_run_of_digits_is_found_wherever_it_begins() {
        for before in 0..40 {
            for length in 0..40 {
                let text = format!("{}{}x", "-".repeat(before), "7".repeat(length));
                assert_eq!(may_have(&text), length >= LEAST_DIGITS, "{text}");
            }
        }
    }
}
