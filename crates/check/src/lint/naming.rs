//! Names that can be read, and flags that go together.

use super::{
    findings::Findings,
    table::{BAD_NAME, CROWDED_FEATURE, VAGUE_NAME},
};
use crate::lint::context::LintContext;
use std::collections::BTreeMap;

/// How names are written. Dots part names into areas in every style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `new_checkout`
    Snake,
    /// `new-checkout`
    Kebab,
    /// `newCheckout`
    Camel,
    /// `NewCheckout`
    Pascal,
    /// However.
    Any,
}

impl Style {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "snake" => Some(Self::Snake),
            "kebab" => Some(Self::Kebab),
            "camel" => Some(Self::Camel),
            "pascal" => Some(Self::Pascal),
            "any" => Some(Self::Any),
            _ => None,
        }
    }

    /// The words of one part of a name in this style.
    fn write(self, words: &[String]) -> String {
        let capital = |word: &str| {
            let mut chars = word.chars();
            let first = chars.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(chars).collect::<String>()
        };
        match self {
            Self::Snake | Self::Any => words.join("_"),
            Self::Kebab => words.join("-"),
            Self::Pascal => words.iter().map(|word| capital(word)).collect(),
            Self::Camel => {
                let written = |(place, word): (usize, &String)| {
                    if place == 0 { word.clone() } else { capital(word) }
                };
                words.iter().enumerate().map(written).collect()
            }
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Snake => "lower snake case",
            Self::Kebab => "kebab case",
            Self::Camel => "camel case",
            Self::Pascal => "Pascal case",
            Self::Any => "letters and digits",
        }
    }

    /// The name in this style, from the words it has.
    fn of(self, name: &str) -> String {
        let parts = name.split('.').map(words).filter(|words| !words.is_empty());
        parts.map(|words| self.write(&words)).collect::<Vec<_>>().join(".")
    }

    /// Whether a name is written in it.
    fn fits(self, name: &str) -> bool {
        let is_part = |part: &str| {
            let mut chars = part.chars();
            let begins = chars.next().is_some_and(|first| match self {
                Self::Snake | Self::Kebab | Self::Camel => first.is_ascii_lowercase(),
                Self::Pascal => first.is_ascii_uppercase(),
                Self::Any => true,
            });
            let separator = match self {
                Self::Snake => '_',
                Self::Kebab => '-',
                Self::Camel | Self::Pascal => '.',
                Self::Any => return begins,
            };
            let is_upper = matches!(self, Self::Camel | Self::Pascal);
            let known = |c: char| {
                c == separator
                    || c.is_ascii_digit()
                    || c.is_ascii_lowercase()
                    || (is_upper && c.is_ascii_uppercase())
            };
            begins
                && part.chars().all(known)
                && !part.ends_with(separator)
                && !part.contains([separator, separator].iter().collect::<String>().as_str())
        };
        self == Self::Any || name.split('.').all(is_part)
    }
}

/// The words of a name or a text, in lower case: parted by what is no letter or digit, and where a
/// capital follows a small letter.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for char in text.chars() {
        let breaks = !char.is_alphanumeric() || (was_small && char.is_uppercase());
        if breaks && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if char.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(char.to_lowercase());
        }
        was_small = char.is_lowercase() || char.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Words that tell no flag from another.
const FILLERS: [&str; 25] = [
    "a",
    "bar",
    "baz",
    "beta",
    "disable",
    "disabled",
    "enable",
    "enabled",
    "experiment",
    "feature",
    "flag",
    "foo",
    "is",
    "my",
    "new",
    "old",
    "release",
    "switch",
    "temp",
    "test",
    "the",
    "thing",
    "tmp",
    "toggle",
    "use",
];

/// What is wrong with the words of a name.
fn says_nothing(name: &str) -> Option<String> {
    let words = words(name);
    let twice = words.array_windows().find(|[one, next]| one == next);
    if let Some([word, _]) = twice {
        return Some(format!("says \"{word}\" twice"));
    }
    let is_number = |word: &str| {
        let digits = word.strip_prefix('v').unwrap_or(word);
        digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let says = |word: &String| !FILLERS.contains(&word.as_str()) && !is_number(word);
    (!words.iter().any(says)).then(|| "does not say what it switches".to_owned())
}

pub(super) fn look(page: &LintContext, found: &mut Findings<'_>) {
    let style = page.settings().names;
    let mut features: BTreeMap<String, usize> = BTreeMap::new();
    let most = page.settings().max_flags_per_feature;
    for flag in &page.flags {
        if let Some(message) = says_nothing(&flag.key) {
            let help = "name what it switches, such as enable_invoice_archive";
            found.tell(&VAGUE_NAME, flag.path(), message, help);
        } else if !style.fits(&flag.key) {
            let better = style.of(&flag.key);
            let message = format!("is not written in {}", style.describe());
            let help = match style.fits(&better) {
                true => format!("call it {better}, or set lint: {{ names: … }}"),
                false => "begin it with a letter of a to z".to_owned(),
            };
            found.tell(&BAD_NAME, flag.path(), message, help);
        }
        if let Some(feature) = page.fact(flag, "feature") {
            let count = features.entry(feature.clone()).or_default();
            *count += 1;
            // Once: the first that is too many.
            if *count == most + 1 {
                let message = format!("is one more than {most} flags of feature \"{feature}\"");
                let help = "remove flags of it that are done, or join some as variants of one";
                found.tell(&CROWDED_FEATURE, flag.path_of("feature"), message, help);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_in_one_style() {
        for (style, good, bad, mended) in [
            (Style::Snake, "shop.new_checkout2", "newCheckout", "new_checkout"),
            (Style::Snake, "a", "New__Checkout_", "new_checkout"),
            (Style::Kebab, "new-checkout", "new_checkout", "new-checkout"),
            (Style::Camel, "shop.newCheckout", "new-checkout", "newCheckout"),
            (Style::Pascal, "NewCheckout", "new_checkout", "NewCheckout"),
        ] {
            assert!(style.fits(good), "{good}");
            assert!(!style.fits(bad), "{bad}");
            assert_eq!(style.of(bad), mended);
        }
        for name in ["1st_page", "a..b", "a b", "über", ""] {
            assert!(!Style::Snake.fits(name), "{name}");
        }
        assert!(Style::Any.fits("ÜBER alles/2"));
    }

    #[test]
    fn a_name_says_what_it_switches() {
        for name in ["flag_123", "test_v2", "new_new", "temp", "myFlag", "page_page", "42"] {
            assert!(says_nothing(name).is_some(), "{name}");
        }
        for name in ["test_checkout_layout", "new_page_v2", "oauth2", "enable_search"] {
            assert_eq!(says_nothing(name), None, "{name}");
        }
    }
}
