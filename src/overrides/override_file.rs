//! One override: what its file says, how long it holds, and what the file is called.

use crate::clock::rfc3339;
use humantime::parse_rfc3339;
use serde::Deserialize;
use serde_json::{
    error::{Category, Error},
    json,
};
use sha2::{Digest, Sha256};
use std::{
    fmt::Write,
    time::{SystemTime, UNIX_EPOCH},
};

/// A longer file name is cut, and told apart by its hash; file systems take 255 bytes.
const LONGEST_NAME: usize = 200;

/// A decision for one flag, above all files, until a point in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Override {
    pub(crate) flag: String,
    pub(crate) variant: String,
    /// By the wall clock, the only one that goes on while the process is dead.
    pub(crate) until: SystemTime,
    pub(crate) why: String,
    pub(crate) set_at: Option<SystemTime>,
}

/// Why a file holds no override.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadOverride {
    #[error("is empty; remove it, or write it again with flagstaff override set")]
    NoContent,
    #[error("ends too early (line {line}, column {column}); write it again as a whole")]
    Cut { line: usize, column: usize },
    #[error("is not an override: {0}")]
    Json(String),
    #[error("\"{member}\" is empty; name the {member} to serve")]
    Empty { member: &'static str },
    #[error("\"{member}\" is no time; write it in UTC, such as 2026-11-22T11:00:00Z")]
    Time { member: &'static str },
}

/// The members of a file, as text; what else is in there is for others.
#[derive(Debug, Deserialize)]
struct WrittenOverride {
    flag: String,
    variant: String,
    until: String,
    #[serde(default)]
    why: String,
    set_at: Option<String>,
}

/// Names what is wrong and where, and quotes nothing of the content: logs and `/status` show it to
/// people who may not read the file.
fn unlike(error: &Error) -> BadOverride {
    let text = error.to_string();
    if error.classify() == Category::Eof {
        return BadOverride::Cut { line: error.line(), column: error.column() };
    }
    let names_a_member =
        ["missing field", "duplicate field"].iter().any(|kind| text.starts_with(kind));
    if error.classify() != Category::Data || names_a_member {
        return BadOverride::Json(text);
    }
    let (line, column) = (error.line(), error.column());
    let what = "invalid type: write a JSON object whose members are texts";
    BadOverride::Json(format!("{what} (line {line}, column {column})"))
}

impl Override {
    pub(crate) fn parse(content: &[u8]) -> Result<Self, BadOverride> {
        let content = content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content);
        if content.trim_ascii().is_empty() {
            return Err(BadOverride::NoContent);
        }
        let written: WrittenOverride =
            serde_json::from_slice(content).map_err(|error| unlike(&error))?;
        let time = |text: &str, member| {
            parse_rfc3339(text).map_err(|_unspecific| BadOverride::Time { member })
        };
        let until = time(&written.until, "until")?;
        let set_at = written.set_at.map(|text| time(&text, "set_at")).transpose()?;
        for (text, member) in [(&written.flag, "flag"), (&written.variant, "variant")] {
            if text.is_empty() {
                return Err(BadOverride::Empty { member });
            }
        }
        let WrittenOverride { flag, variant, why, .. } = written;
        Ok(Self { flag, variant, until, why, set_at })
    }

    /// What its file says.
    pub(crate) fn to_text(&self) -> String {
        let written = json!({
            "flag": self.flag,
            "variant": self.variant,
            "until": time(self.until),
            "why": self.why,
            "set_at": self.set_at.map(time),
        });
        format!("{written:#}\n")
    }

    /// Whether it is still to be served.
    pub(crate) fn holds_at(&self, now: SystemTime) -> bool {
        now < self.until
    }
}

/// A time as files and `/status` write it: to the second if it is a whole one.
pub(crate) fn time(time: SystemTime) -> String {
    let whole = time.duration_since(UNIX_EPOCH).is_ok_and(|since| since.subsec_millis() == 0);
    rfc3339(time, whole)
}

/// The name of the file for a flag: its key, made safe. Only a convention: who reads trusts the
/// content alone.
pub(crate) fn file_name(flag: &str) -> String {
    let mut name = String::with_capacity(flag.len() + 5);
    for (place, byte) in flag.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(byte.into()),
            // A leading one would hide the file.
            b'.' if place > 0 => name.push('.'),
            // Writing to a string cannot fail.
            _ => write!(name, "%{byte:02X}").unwrap_or_default(),
        }
    }
    if name.len() > LONGEST_NAME {
        name.truncate(LONGEST_NAME - 33);
        name.push('~');
        for byte in Sha256::digest(flag).iter().take(16) {
            write!(name, "{byte:02x}").unwrap_or_default();
        }
    }
    name.push_str(".json");
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chain;
    use std::time::Duration;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_written_is_read_again() {
        let written = Override {
            flag: "checkout/\"new\"".to_owned(),
            variant: "öff".to_owned(),
            until: at(1_795_345_200),
            why: "a\nb".to_owned(),
            set_at: Some(at(1_795_341_600) + Duration::from_millis(7)),
        };
        let text = written.to_text();
        assert!(text.contains("\"2026-11-22T11:00:00Z\""), "{text}");
        assert_eq!(Override::parse(text.as_bytes()).unwrap(), written);
        let least = br#"{"flag":"f","variant":"v","until":"2026-11-22T11:00:00Z","x":1}"#;
        let least = Override::parse(least).unwrap();
        assert_eq!((least.why.as_str(), least.set_at), ("", None));
    }

    #[test]
    fn what_is_no_override_is_named() {
        for (text, expected) in [
            (" \n", "is empty; remove it"),
            ("{\n\"flag\": \"f", "ends too early (line 2, column 10)"),
            ("[]", "is not an override: invalid type"),
            ("{\"flag\": \"f\"}", "is not an override: missing field `variant`"),
            ("{\"flag\": 1}", "is not an override: invalid type"),
            ("\"root:x:0:0\"", "members are texts (line 1, column 12)"),
            (
                r#"{"flag":"","variant":"v","until":"2026-11-22T11:00:00Z"}"#,
                "\"flag\" is empty; name the flag to serve",
            ),
            (r#"{"flag":"f","variant":"","until":"2026-11-22T11:00:00Z"}"#, "\"variant\" is empty"),
            (r#"{"flag":"f","variant":"v","until":"tomorrow"}"#, "\"until\" is no time; write it"),
            (r#"{"flag":"f","variant":"v","until":"2026-13-22T11:00:00Z"}"#, "\"until\" is no"),
            (r#"{"flag":"f","variant":"v","until":"2026-11-22T11:00:00+01:00"}"#, "in UTC"),
            (
                r#"{"flag":"f","variant":"v","until":"2026-11-22T11:00:00Z","set_at":"x"}"#,
                "\"set_at\"",
            ),
        ] {
            let error = chain(&Override::parse(text.as_bytes()).unwrap_err());
            assert!(error.contains(expected), "{text}: {error}");
        }
        assert!(Override::parse(b"\xff").is_err());
    }

    #[test]
    fn every_time_that_can_be_read_can_be_written() {
        for until in
            ["9999-12-31T23:59:60Z", "9999-12-31T23:59:59.999999999Z", "1970-01-01T00:00:00Z"]
        {
            let text = format!(r#"{{"flag":"f","variant":"v","until":"{until}"}}"#);
            let of = Override::parse(text.as_bytes()).unwrap();
            assert!(Override::parse(of.to_text().as_bytes()).is_ok(), "{until}");
        }
        let before = br#"{"flag":"f","variant":"v","until":"1969-12-31T23:59:59Z"}"#;
        assert!(matches!(Override::parse(before), Err(BadOverride::Time { member: "until" })));
    }

    #[test]
    fn it_holds_until_its_time_and_not_a_moment_longer() {
        let text = br#"{"flag":"f","variant":"v","until":"2026-11-22T11:00:00Z"}"#;
        let of = Override::parse(text).unwrap();
        for (now, holds) in [
            (UNIX_EPOCH, true),
            (of.until - Duration::from_nanos(1), true),
            (of.until, false),
            (of.until + Duration::from_secs(1), false),
        ] {
            assert_eq!(of.holds_at(now), holds, "{now:?}");
        }
    }

    #[test]
    fn any_key_is_a_safe_name() {
        for (flag, name) in [
            ("new_page-2.b", "new_page-2.b.json"),
            ("", ".json"),
            (".", "%2E.json"),
            ("..", "%2E..json"),
            ("a/../b", "a%2F..%2Fb.json"),
            ("%2E", "%252E.json"),
            ("ä b\0", "%C3%A4%20b%00.json"),
        ] {
            assert_eq!(file_name(flag), name);
        }
        let long = [file_name(&"a".repeat(5000)), file_name(&"a".repeat(5001))];
        assert_ne!(long[0], long[1]);
        assert!(long.iter().all(|name| name.len() <= 255 && !name.contains('/')));
    }
}
