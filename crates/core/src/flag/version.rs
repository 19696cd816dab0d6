//! `sem_ver`: Semantic Versioning 2.0 precedence over the grammar of Go's `semver` package.
//!
//! A leading `v` is optional; `1` and `1.2` stand for `1.0.0` and `1.2.0`, but only a full version
//! may carry a pre-release or build part; build parts do not count.

use std::{cmp::Ordering, fmt};

/// A version, borrowed from its text.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    /// Decimal digits without leading zeros, so that longer means larger and nothing overflows.
    numbers: [&'a str; 3],
    pre_release: Option<&'a str>,
}

impl<'a> Version<'a> {
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let mut numbers = ["0"; 3];
        let mut rest = text;
        for (place, number) in numbers.iter_mut().enumerate() {
            if place > 0 {
                match rest.strip_prefix('.') {
                    Some(after) => rest = after,
                    None if rest.is_empty() => return Some(Self { numbers, pre_release: None }),
                    None => return None,
                }
            }
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            (*number, rest) = rest.split_at_checked(digits)?;
            if number.is_empty() || (number.len() > 1 && number.starts_with('0')) {
                return None;
            }
        }
        if rest.is_empty() {
            return Some(Self { numbers, pre_release: None });
        }
        let (rest, build) = match rest.split_once('+') {
            Some((before, build)) => (before, Some(build)),
            None => (rest, None),
        };
        let pre_release = match rest.strip_prefix('-') {
            Some(pre_release) => Some(pre_release),
            // Only a build part follows the numbers.
            None if rest.is_empty() => None,
            None => return None,
        };
        let valid = build.is_none_or(|part| is_dotted(part, |_| true))
            && pre_release.is_none_or(|part| is_dotted(part, |name| !has_leading_zero(name)));
        valid.then_some(Self { numbers, pre_release })
    }

    /// Precedence, with build parts ignored.
    fn precedence(&self, other: &Self) -> Ordering {
        let numbers = self.numbers.iter().zip(&other.numbers).map(|(a, b)| by_digits(a, b));
        numbers
            .fold(Ordering::Equal, Ordering::then)
            .then_with(|| pre_release(self.pre_release, other.pre_release))
    }

    fn same(&self, other: &Self, numbers: usize) -> bool {
        self.numbers.iter().zip(&other.numbers).take(numbers).all(|(a, b)| a == b)
    }
}

/// Whether `sem_ver` reads a number as a version. flagd writes larger numbers with an exponent.
pub fn is_version_number(number: f64) -> bool {
    number.abs() < 1e6 && Version::parse(&number.to_string()).is_some()
}

fn is_dotted(part: &str, allowed: impl Fn(&str) -> bool) -> bool {
    part.split('.').all(|name| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && allowed(name)
    })
}

fn is_numeric(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_digit())
}

fn has_leading_zero(name: &str) -> bool {
    is_numeric(name) && name.len() > 1 && name.starts_with('0')
}

fn by_digits(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn pre_release(a: Option<&str>, b: Option<&str>) -> Ordering {
    let (a, b) = match (a, b) {
        (None, None) => return Ordering::Equal,
        (None, Some(_)) => return Ordering::Greater,
        (Some(_), None) => return Ordering::Less,
        (Some(a), Some(b)) => (a, b),
    };
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let (a, b) = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => (a, b),
        };
        let order = match (is_numeric(a), is_numeric(b)) {
            (true, true) => by_digits(a, b),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => a.cmp(b),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// A version known at load.
#[derive(Debug)]
pub struct OwnedVersion {
    numbers: [Box<str>; 3],
    pre_release: Option<Box<str>>,
}

impl OwnedVersion {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let Version { numbers, pre_release } = Version::parse(text)?;
        Some(Self { numbers: numbers.map(Into::into), pre_release: pre_release.map(Into::into) })
    }

    pub(crate) fn version(&self) -> Version<'_> {
        let [major, minor, patch] = &self.numbers;
        Version { numbers: [major, minor, patch], pre_release: self.pre_release.as_deref() }
    }
}

impl fmt::Display for OwnedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Version { numbers: [major, minor, patch], pre_release } = self.version();
        write!(f, "{major}.{minor}.{patch}")?;
        pre_release.map_or(Ok(()), |pre_release| write!(f, "-{pre_release}"))
    }
}

/// How `sem_ver` compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    SameMinor,
    SameMajor,
}

impl Range {
    /// Every range by the operator it is written with.
    const WRITTEN: [(&str, Self); 8] = [
        ("=", Self::Equal),
        ("!=", Self::NotEqual),
        ("<", Self::Less),
        ("<=", Self::LessOrEqual),
        (">", Self::Greater),
        (">=", Self::GreaterOrEqual),
        ("~", Self::SameMinor),
        ("^", Self::SameMajor),
    ];

    pub(crate) fn parse(operator: &str) -> Option<Self> {
        Self::WRITTEN.iter().find(|(written, _)| *written == operator).map(|(_, range)| *range)
    }

    /// The operator it is written with.
    pub(crate) fn written(self) -> &'static str {
        Self::WRITTEN.iter().find(|(_, range)| *range == self).map_or("", |(written, _)| *written)
    }

    /// Whether `actual` is in the range that `target` spans.
    pub(crate) fn holds(self, actual: &Version<'_>, target: &Version<'_>) -> bool {
        match self {
            Self::Equal => actual.precedence(target).is_eq(),
            Self::NotEqual => actual.precedence(target).is_ne(),
            Self::Less => actual.precedence(target).is_lt(),
            Self::LessOrEqual => actual.precedence(target).is_le(),
            Self::Greater => actual.precedence(target).is_gt(),
            Self::GreaterOrEqual => actual.precedence(target).is_ge(),
            Self::SameMinor => actual.same(target, 2),
            Self::SameMajor => actual.same(target, 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Range, Version};

    fn compare(actual: &str, operator: &str, target: &str) -> Option<bool> {
        let (actual, target) = (Version::parse(actual)?, Version::parse(target)?);
        Some(Range::parse(operator)?.holds(&actual, &target))
    }

    #[test]
    fn precedence_follows_the_specification() {
        let ascending = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.2",
            "1.10.0",
            "99999999999999999999.0.0",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(compare(pair[0], "<", pair[1]), Some(true), "{pair:?}");
            assert_eq!(compare(pair[1], ">", pair[0]), Some(true), "{pair:?}");
        }
    }

    #[test]
    fn short_forms_prefixes_and_build_parts_do_not_matter() {
        for (a, b) in [("1", "1.0.0"), ("v1.2", "1.2.0"), ("V1.0.0", "1"), ("1.0.0+a", "1.0.0+b")] {
            assert_eq!(compare(a, "=", b), Some(true), "{a} = {b}");
        }
    }

    #[test]
    fn ranges_compare_leading_numbers() {
        assert_eq!(compare("1.2.9", "~", "1.2.0"), Some(true));
        assert_eq!(compare("1.3.0", "~", "1.2.0"), Some(false));
        assert_eq!(compare("1.9.0", "^", "1.2.0"), Some(true));
        assert_eq!(compare("2.0.0", "^", "1.2.0"), Some(false));
    }

    #[test]
    fn what_is_no_version_compares_to_nothing() {
        for bad in
            ["", "v", "1.", "01.0.0", "1.2-alpha", "1.0.0-", "1.0.0-01", "1.0.0+", "a", "1.0.0.0"]
        {
            assert_eq!(compare(bad, "=", "1.0.0"), None, "{bad:?}");
            assert_eq!(compare("1.0.0", "=", bad), None, "{bad:?}");
        }
        assert_eq!(compare("1.0.0", "==", "1.0.0"), None);
    }
}
