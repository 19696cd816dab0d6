//! What a file says about lints: `lint: { missing-owner: error, settled: off, max_rules: 20 }`.

use super::{
    findings::Findings,
    naming::Style,
    table::{LINTS, UNKNOWN_LINT},
};
use flagstaff_core::{
    diagnostic::{Level, Path, Target, suggest::suggest},
    document::yaml_bool::truth,
};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The levels and limits of a file.
#[derive(Debug)]
pub(super) struct Settings {
    levels: BTreeMap<&'static str, Option<Level>>,
    pub(super) names: Style,
    pub(super) max_rules: usize,
    pub(super) max_nesting: usize,
    pub(super) max_age_days: usize,
    pub(super) max_flags_per_feature: usize,
    pub(super) max_repeats: usize,
    pub(super) min_why_length: usize,
    /// Path, message and help of what makes no sense.
    wrong: Vec<(Path, String, String)>,
}

/// The limits, beside `names`.
const LIMITS: [&str; 6] = [
    "max_rules",
    "max_nesting",
    "max_age_days",
    "max_flags_per_feature",
    "max_repeats",
    "min_why_length",
];

/// How the names of flags are written.
const NAMES: &str = "names";

impl Default for Settings {
    fn default() -> Self {
        Self {
            levels: BTreeMap::new(),
            names: Style::Snake,
            max_rules: 10,
            max_nesting: 3,
            max_age_days: 180,
            max_flags_per_feature: 10,
            max_repeats: 2,
            min_why_length: 20,
            wrong: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads the `lint` of a file.
    pub(super) fn read(lint: Option<&Json>) -> Self {
        let mut settings = Self::default();
        match lint {
            None | Some(Json::Null) => {}
            Some(Json::Object(members)) => {
                for (name, value) in members {
                    settings.set(name, value);
                }
            }
            Some(_) => {
                let help = "write lint: { missing-owner: error, max_rules: 20 }";
                settings.wrong.push(("lint".into(), "is not an object".to_owned(), help.into()));
            }
        }
        settings
    }

    /// The level of a code; `None` if it is off.
    pub(super) fn level(&self, code: &str, otherwise: Level) -> Option<Level> {
        self.levels.get(code).copied().unwrap_or(Some(otherwise))
    }

    /// Tells what makes no sense in it.
    pub(super) fn tell(&self, found: &mut Findings<'_>) {
        for (path, message, help) in &self.wrong {
            found.tell(&UNKNOWN_LINT, path, message, help);
        }
    }

    fn set(&mut self, name: &str, value: &Json) {
        let path = Path::from("lint").member(name);
        if let Some(lint) = LINTS.iter().find(|lint| lint.code == name) {
            match level(value) {
                Some(level) => _ = self.levels.insert(lint.code, level),
                None => {
                    let help = "write off, note, warning or error";
                    self.wrong.push((path, "is no level".to_owned(), help.to_owned()));
                }
            }
        } else if name == NAMES {
            match value.as_str().and_then(Style::named) {
                Some(style) => self.names = style,
                None => {
                    let help = "write snake, kebab, camel, pascal or any";
                    self.wrong.push((path, "is no way to write names".to_owned(), help.to_owned()));
                }
            }
        } else if let Some(limit) = self.limit(name) {
            match value.as_u64().and_then(|number| usize::try_from(number).ok()) {
                Some(number) => *limit = number,
                None => {
                    let help = "write such as 10";
                    self.wrong.push((path, "is no whole number".to_owned(), help.to_owned()));
                }
            }
        } else {
            let codes = LINTS.iter().map(|lint| lint.code);
            let known = codes.chain(LIMITS).chain([NAMES]);
            let help = suggest(name, known, "docs/lints.md has all lints and limits");
            let path = path.target(Target::Name);
            self.wrong.push((path, "is neither a lint nor a limit".to_owned(), help));
        }
    }

    fn limit(&mut self, name: &str) -> Option<&mut usize> {
        match name {
            "max_rules" => Some(&mut self.max_rules),
            "max_nesting" => Some(&mut self.max_nesting),
            "max_age_days" => Some(&mut self.max_age_days),
            "max_flags_per_feature" => Some(&mut self.max_flags_per_feature),
            "max_repeats" => Some(&mut self.max_repeats),
            "min_why_length" => Some(&mut self.min_why_length),
            _ => None,
        }
    }
}

fn level(value: &Json) -> Option<Option<Level>> {
    match value {
        // What YAML 1.1 makes of an unquoted off.
        Json::Bool(false) => Some(None),
        Json::String(text) => match text.as_str() {
            "note" => Some(Some(Level::Note)),
            "warning" => Some(Some(Level::Warning)),
            "error" => Some(Some(Level::Error)),
            text => (truth(text) == Some(false)).then_some(None),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_file_sets_levels_and_limits() {
        let settings = Settings::read(Some(&json!({
            "missing-owner": "off", "settled": false, "expired": "error", "max_rules": 3, "names": "kebab"
        })));
        assert_eq!(settings.level("missing-owner", Level::Error), None);
        assert_eq!(settings.level("settled", Level::Note), None);
        assert_eq!(settings.level("expired", Level::Note), Some(Level::Error));
        assert_eq!(settings.level("missing-why", Level::Note), Some(Level::Note));
        assert_eq!((settings.max_rules, settings.names), (3, Style::Kebab));
        assert_eq!(settings.wrong, []);
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        let settings = Settings::read(Some(&json!({
            "max_rulez": 1, "max_rules": "3", "mising-owner": "off", "names": "snakes", "settled": "fatal"
        })));
        let told: Vec<_> = settings
            .wrong
            .iter()
            .map(|(path, message, help)| format!("{path} {message}: {help}"))
            .collect();
        assert_eq!(
            told,
            [
                "lint.max_rules is no whole number: write such as 10",
                "lint.max_rulez is neither a lint nor a limit: did you mean \"max_rules\"?",
                "lint.mising-owner is neither a lint nor a limit: did you mean \"missing-owner\"?",
                "lint.names is no way to write names: write snake, kebab, camel, pascal or any",
                "lint.settled is no level: write off, note, warning or error",
            ]
        );
        assert_eq!(Settings::read(Some(&json!("off"))).wrong.len(), 1);
        let mut settings = Settings::default();
        assert!(LIMITS.iter().all(|limit| settings.limit(limit).is_some()));
    }
}
