//! Values that look like secrets. A flag file is in git, and its values go to every client.

use super::{findings::Findings, table::SECRET};
use crate::lint::context::LintContext;
use flagstaff_core::diagnostic::{Path, Step};
use serde_json::{Map, Value as Json};

/// How keys of well-known services begin, with so many characters at least.
const BEGINNINGS: [(&str, usize, &str); 18] = [
    ("AKIA", 20, "an access key of AWS"),
    ("ASIA", 20, "an access key of AWS"),
    ("AIza", 35, "an API key of Google"),
    ("ya29.", 20, "a token of Google"),
    ("ghp_", 20, "a token of GitHub"),
    ("gho_", 20, "a token of GitHub"),
    ("ghs_", 20, "a token of GitHub"),
    ("github_pat_", 20, "a token of GitHub"),
    ("glpat-", 20, "a token of GitLab"),
    ("xoxb-", 20, "a token of Slack"),
    ("xoxp-", 20, "a token of Slack"),
    ("sk_live_", 16, "a secret key of Stripe"),
    ("rk_live_", 16, "a secret key of Stripe"),
    ("sk-", 24, "an API key"),
    ("SG.", 40, "a key of SendGrid"),
    ("npm_", 30, "a token of npm"),
    ("hvs.", 20, "a token of Vault"),
    ("-----BEGIN ", 20, "a private key"),
];

/// Words in names of what is a secret.
const NAMES: [&str; 12] = [
    "password",
    "passwd",
    "pwd",
    "secret",
    "secrets",
    "token",
    "apikey",
    "api_key",
    "access_key",
    "private_key",
    "client_secret",
    "credentials",
];

pub(super) fn look(page: &LintContext, found: &mut Findings<'_>) {
    for flag in &page.flags {
        if found.is_full() {
            return;
        }
        let mut path = flag.path();
        for (name, part) in [("variants", &flag.variants), ("metadata", &flag.metadata)] {
            path.enter(Step::Member(name.into()));
            members(part, &mut path, found);
            path.leave();
        }
        path.enter(Step::Member("targeting".into()));
        value("", &flag.targeting, &mut path, found);
        path.leave();
    }
    let mut path = Path::from("$evaluators");
    members(&page.evaluators, &mut path, found);
}

fn members(of: &Map<String, Json>, path: &mut Path, found: &mut Findings<'_>) {
    for (name, member) in of {
        path.enter(Step::Member(name.as_str().into()));
        value(name, member, path, found);
        path.leave();
    }
}

fn value(name: &str, value: &Json, path: &mut Path, found: &mut Findings<'_>) {
    match value {
        Json::String(text) => {
            // What it is must not be told: the report may be public.
            if let Some(what) = secret(name, text) {
                let message = format!("looks like {what}");
                let help = "revoke it, and let the application read it from where secrets are";
                found.tell(&SECRET, &*path, message, help);
            }
        }
        Json::Array(elements) => {
            for (place, element) in elements.iter().enumerate() {
                path.enter(Step::Place(place));
                self::value(name, element, path, found);
                path.leave();
            }
        }
        Json::Object(object) => members(object, path, found),
        _ => {}
    }
}

/// What a text looks like, if that is a secret.
fn secret(name: &str, text: &str) -> Option<&'static str> {
    let is_one_word = !text.contains(char::is_whitespace);
    let known = BEGINNINGS.iter().find(|(begins, length, _)| {
        text.starts_with(begins) && text.len() >= *length && (is_one_word || begins.ends_with(' '))
    });
    if let Some((begins, _, what)) = known
        && (!begins.ends_with(' ') || text.contains("PRIVATE KEY"))
    {
        return Some(what);
    }
    if is_one_word && text.starts_with("eyJ") && text.matches('.').count() == 2 && text.len() > 40 {
        return Some("a signed token (JWT)");
    }
    if let Some((_, rest)) = text.split_once("://")
        && let Some((user, _)) = rest.split('/').next().unwrap_or_default().rsplit_once('@')
        && user.split_once(':').is_some_and(|(_, password)| !password.is_empty())
    {
        return Some("an address with a password in it");
    }
    let name = name.to_lowercase().replace('-', "_");
    let is_named = NAMES.iter().any(|known| {
        let rest = name.strip_suffix(known);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    });
    let has = |kind: fn(&char) -> bool| text.chars().any(|char| kind(&char));
    let is_mixed = has(char::is_ascii_digit) && has(char::is_ascii_alphabetic);
    (is_named && is_one_word && text.len() >= 12 && is_mixed).then_some("a password or a key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_told_from_other_texts() {
        for (name, text) in [
            ("key", "AKIAIOSFODNN7EXAMPLE"),
            ("value", "ghp_0123456789abcdefghijABCDEFGHIJ"),
            ("pem", "-----BEGIN RSA PRIVATE KEY-----\nMIIE"),
            ("url", "postgres://shop:hunter2@db.internal/shop"),
            ("smtp_password", "correct7horse8battery"),
            ("api-key", "d41d8cd98f00b204e9800998ecf8427e"),
            ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4"),
        ] {
            assert!(secret(name, text).is_some(), "{text}");
        }
        for (name, text) in [
            ("url", "https://example.com/a:b@c"),
            ("url", "https://shop@example.com/"),
            ("token", "two-step"),
            ("password_reset", "link-by-mail-2024"),
            ("secret", "the 2nd page of the shop"),
            ("cert", "-----BEGIN CERTIFICATE-----"),
            ("text", "sk-short"),
            ("text", "eyJ. is how it begins."),
        ] {
            assert_eq!(secret(name, text), None, "{text}");
        }
    }
}
