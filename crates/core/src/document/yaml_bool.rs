//! Words that mean the same whichever rules of YAML read them.
//!
//! YAML 1.1 reads `on`, `yes` and `true` as one truth, YAML 1.2 as three texts or a truth
//! (<https://yaml.org/type/bool.html>, <https://yaml.org/spec/1.2.2/#10212-boolean>).

use super::synonyms;
use crate::{diagnostic::suggest::suggest, document::json::Json};
use std::borrow::Cow;

/// The truth a word stands for.
pub fn truth(word: &str) -> Option<bool> {
    let is = |words: [&str; 3]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    if is(["on", "true", "yes"]) {
        return Some(true);
    }
    is(["off", "false", "no"]).then_some(false)
}

/// The truth that a value stands for, whichever rules of YAML read it.
pub(crate) fn truth_of(value: Json<'_>) -> Option<bool> {
    match value {
        Json::Bool(bit) => Some(bit),
        Json::String(text) => truth(&text.get()),
        _ => None,
    }
}

/// The name among `names` that a value stands for: itself, or the only one that means the same.
pub fn named<'n>(value: Json<'_>, names: impl Iterator<Item = &'n str> + Clone) -> Option<&'n str> {
    let written = match value {
        Json::String(text) => text.get(),
        Json::Bool(_) | Json::Number(_) => Cow::Owned(value.to_canonical()),
        Json::Null | Json::Array(_) | Json::Object(_) => return None,
    };
    called(&written, names)
}

/// The same for a value that is a text.
pub fn called<'n>(written: &str, names: impl Iterator<Item = &'n str> + Clone) -> Option<&'n str> {
    if let Some(name) = names.clone().find(|name| *name == written) {
        return Some(name);
    }
    let meant = truth(written)?;
    let mut same = names.filter(|name| truth(name) == Some(meant));
    same.next().filter(|_| same.next().is_none())
}

/// What to do about a name that no variant has: a word that means the same comes before one that is
/// spelled alike, since `no` is near `on`.
pub fn suggest_variant<'n>(
    written: &str,
    names: impl Iterator<Item = &'n str> + Clone,
    otherwise: &str,
) -> String {
    let means = truth(written.trim()).or_else(|| synonyms::truth(written.trim()));
    let same = means.and_then(|means| names.clone().find(|name| truth(name) == Some(means)));
    match same {
        Some(name) => format!("did you mean \"{name}\"?"),
        None => suggest(written, names, otherwise),
    }
}

#[cfg(test)]
mod tests {
    use crate::document::json::Indexed;
    use serde_json::{Value, json};

    fn named<'n>(value: &Value, names: impl Iterator<Item = &'n str> + Clone) -> Option<&'n str> {
        super::named(Indexed::new(&value.to_string()).unwrap().value(), names)
    }

    #[test]
    fn a_name_is_found_by_itself_or_by_what_it_means() {
        let switch = || ["off", "on"].into_iter();
        for (value, name) in [
            (json!("on"), Some("on")),
            (json!(true), Some("on")),
            (json!("Yes"), Some("on")),
            (json!(false), Some("off")),
            (json!("no"), Some("off")),
            (json!("nope"), None),
            (json!(1), None),
            (json!(null), None),
        ] {
            assert_eq!(named(&value, switch()), name, "{value}");
        }
        assert_eq!(named(&json!(10), ["10", "20"].into_iter()), Some("10"));
        assert_eq!(named(&json!(true), ["yes", "true"].into_iter()), Some("true"));
        assert_eq!(named(&json!("on"), ["yes", "true"].into_iter()), None, "two mean it");
    }
}
