//! Shares of units: `5%`, down to a thousandth of a percent.

use super::node::Node;
use crate::{diagnostic::problems::Problems, document::json::Json};
use std::fmt;

/// A share in thousandths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    pub(super) const NOBODY: Self = Self(0);
    pub(super) const EVERYBODY: Self = Self(100_000);

    /// Reads `5%` or `0.125 %`.
    pub(super) fn read(node: &Node<'_>, found: &mut Problems) -> Option<Self> {
        let help = "write a percentage such as 5% or 0.5%";
        let refuse = |message: &str, help: &str, found: &mut Problems| {
            found.push(node.error(message, help));
            None
        };
        match node.value {
            Json::String(text) => match Self::parse(&text.get()) {
                Ok(share) => Some(share),
                Err(message) => match meant(&text.get()) {
                    Some(share) => refuse(message, &format!("write {share}"), found),
                    None => refuse(message, help, found),
                },
            },
            // 0.25 may be meant as a quarter, and as a quarter of a percent.
            Json::Number(number) => {
                let part = number.as_f64();
                let number = number.get();
                let help = match part {
                    part if part > 0.0 && part < 1.0 => {
                        let percent = (part * 100_000.0).round() / 1000.0;
                        format!("write {percent}%, or {number}% if so little is meant")
                    }
                    _ => format!("write {number}%"),
                };
                refuse("is a number without %", &help, found)
            }
            _ => refuse("is no percentage", help, found),
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let number = text.trim().strip_suffix('%').ok_or("is no percentage")?.trim_end();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
            return Err("is no percentage");
        }
        if fraction.trim_end_matches('0').len() > 3 {
            return Err("is finer than a thousandth of a percent");
        }
        let thousandths = format!("{fraction:0<3}");
        let thousandths: u32 =
            thousandths.get(..3).unwrap_or_default().parse().map_err(|_| "is no percentage")?;
        let whole: u32 = whole.parse().map_err(|_| "is more than 100%")?;
        let share = whole.checked_mul(1000).and_then(|share| share.checked_add(thousandths));
        match share {
            Some(share) if share <= Self::EVERYBODY.0 => Ok(Self(share)),
            _ => Err("is more than 100%"),
        }
    }

    /// The share and the rest as the smallest whole weights, of which the sum is a power of ten.
    pub(super) fn weights(self) -> (u32, u32) {
        let (mut part, mut all) = (self.0, Self::EVERYBODY.0);
        while all > 100 && part.is_multiple_of(10) {
            (part, all) = (part / 10, all / 10);
        }
        (part, all - part)
    }
}

impl Share {
    /// The share that so many are of all.
    pub fn of(part: u64, all: u64) -> Self {
        let share = (part * u64::from(Self::EVERYBODY.0) + all / 2).checked_div(all);
        share.and_then(|share| u32::try_from(share).ok()).map_or(Self::NOBODY, Self)
    }

    pub fn differs_from(self, other: Self) -> Self {
        Self(self.0.abs_diff(other.0))
    }
}

/// The share in a text that says it in another way: `%5`, `5 percent`, `5`.
fn meant(text: &str) -> Option<Share> {
    let text = text.trim();
    let number = text.trim_matches('%').trim_end_matches("percent").trim_end_matches("pct");
    Share::parse(&format!("{}%", number.trim())).ok()
}

/// A share as a test expects it: `25% ± 1%`, and within 1% if it does not say.
pub fn tolerance(node: &Node<'_>, found: &mut Problems) -> Option<(Share, Share)> {
    let text = node.text("a share", found)?;
    let (share, within) = match text.split_once('±').or_else(|| text.split_once("+-")) {
        Some((share, within)) => (Share::parse(share), Share::parse(within)),
        None => (Share::parse(&text), Ok(Share(1000))),
    };
    match (share, within) {
        (Ok(share), Ok(within)) => Some((share, within)),
        (Err(message), _) | (_, Err(message)) => {
            found.push(node.error(format!("\"{text}\" {message}"), "write such as 25% ± 1%"));
            None
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = format!("{}.{:03}", self.0 / 1000, self.0 % 1000);
        write!(f, "{}%", number.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_exact() {
        for (text, weights, written) in [
            ("0%", (0, 100), "0%"),
            ("1%", (1, 99), "1%"),
            ("5 %", (5, 95), "5%"),
            ("0.5%", (5, 995), "0.5%"),
            ("12.50%", (125, 875), "12.5%"),
            ("0.001%", (1, 99_999), "0.001%"),
            ("33.333%", (33_333, 66_667), "33.333%"),
            ("99.99%", (9_999, 1), "99.99%"),
            ("100%", (100, 0), "100%"),
            ("100.000%", (100, 0), "100%"),
        ] {
            let share = Share::parse(text).unwrap();
            assert_eq!((share.weights(), share.to_string().as_str()), (weights, written), "{text}");
        }
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for text in ["", "%", "5", "five%", "-1%", "+1%", ".5%", "1e1%", "100.001%", "101%"] {
            assert!(Share::parse(text).is_err(), "{text}");
        }
        assert_eq!(Share::parse("0.0001%"), Err("is finer than a thousandth of a percent"));
        assert_eq!(Share::parse("99999999999%"), Err("is more than 100%"));
    }
}
