//! Moments as people write them, in the file's time zone: `2026-12-01 09:00`.
//!
//! The zones are those of the IANA database this binary was built with, so that a file means the
//! same on every machine.

use super::node::Node;
use crate::flag::{
    diagnostic::Diagnostic, lint::NO_TIME_ZONE, problems::Problems, suggest::suggest,
};
use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase},
};

/// How to read moments that do not say their offset.
#[derive(Debug)]
pub(super) struct Clock {
    zone: Option<TimeZone>,
}

impl Clock {
    /// The clock of a file, by its `time_zone`. A wrong one would move every step of every plan.
    pub(super) fn read(node: Option<&Node<'_>>) -> Result<Self, Diagnostic> {
        let Some(node) = node else { return Ok(Self { zone: None }) };
        let zones = TimeZoneDatabase::bundled();
        let name = node.value.as_str().unwrap_or_default();
        if let Ok(zone) = zones.get(name) {
            return Ok(Self { zone: Some(zone) });
        }
        let names: Vec<String> = zones.available().map(|name| name.to_string()).collect();
        let otherwise = "write a name of the IANA database, such as Europe/Berlin";
        let help = suggest(name, names.iter().map(String::as_str), otherwise);
        Err(node.error(format!("\"{name}\" is no time zone"), help))
    }

    /// The zone that the file names.
    pub(super) fn zone(&self) -> Option<&TimeZone> {
        self.zone.as_ref()
    }

    /// A moment in seconds since 1970.
    pub(super) fn moment(&self, node: &Node<'_>, found: &mut Problems) -> Option<i64> {
        let text = node.text("a moment", found)?;
        self.parse(&text, node, found)
    }

    /// A moment that stands in a text at `node`.
    pub(super) fn parse(&self, text: &str, node: &Node<'_>, found: &mut Problems) -> Option<i64> {
        let text = text.trim();
        if let Ok(moment) = text.parse::<Timestamp>() {
            return Some(moment.as_second());
        }
        let Ok(civil) = text.parse::<DateTime>() else {
            let help = "write a day or a time, such as 2026-12-01 or 2026-12-01 09:00";
            found.push(node.error(format!("\"{text}\" is no moment"), help));
            return None;
        };
        let zone = self.zone.clone().unwrap_or(TimeZone::UTC);
        if self.zone.is_none() {
            let help = "add time_zone to the file, or Z to the time";
            let message = format!("\"{text}\" has no time zone, so it is UTC");
            found.push(node.warning(message, help).of(&NO_TIME_ZONE));
        }
        let ambiguous = zone.to_ambiguous_timestamp(civil);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => {}
            AmbiguousOffset::Gap { .. } => {
                let message = format!("\"{text}\" does not exist: clocks are put forward over it");
                found.push(node.warning(message, "it counts as so much later; write another time"));
            }
            AmbiguousOffset::Fold { .. } => {
                let message = format!("\"{text}\" happens twice: clocks are put back over it");
                found.push(node.warning(message, "the first one counts; write another time"));
            }
        }
        match ambiguous.compatible() {
            Ok(moment) => Some(moment.as_second()),
            Err(_) => {
                found.push(node.error(format!("\"{text}\" is too far away"), "write another time"));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flag::diagnostic::Path;
    use serde_json::{Value as Json, json};

    fn read(zone: Option<&str>, text: &str) -> (Option<i64>, Vec<String>) {
        let mut found = Problems::with_room(9);
        let zone: Option<Json> = zone.map(Json::from);
        let node = zone.as_ref().map(|value| Node { value, path: "time_zone".into() });
        let clock = match Clock::read(node.as_ref()) {
            Ok(clock) => clock,
            Err(error) => return (None, vec![error.message]),
        };
        let value = json!(text);
        let moment = clock.moment(&Node { value: &value, path: Path::from("start") }, &mut found);
        (moment, found.finish().0.into_iter().map(|problem| problem.message).collect())
    }

    #[test]
    fn a_moment_is_read_in_the_zone_of_its_file() {
        let berlin = Some("Europe/Berlin");
        for (zone, text, seconds) in [
            (berlin, "2026-12-01 09:00", 1_796_112_000),
            (berlin, "2026-12-01", 1_796_079_600),
            (berlin, "2026-07-01T09:00:30", 1_782_889_230),
            (berlin, "2026-12-01T09:00:00Z", 1_796_115_600),
            (None, "2026-12-01 09:00:00+01:00", 1_796_112_000),
            (Some("Asia/Kathmandu"), "2026-12-01 09:00", 1_796_094_900),
        ] {
            assert_eq!(read(zone, text), (Some(seconds), vec![]), "{text}");
        }
    }

    #[test]
    fn what_is_odd_about_a_moment_is_told() {
        let berlin = Some("Europe/Berlin");
        let told = |zone, text| read(zone, text).1.join("; ");
        assert_eq!(told(None, "2026-12-01"), "\"2026-12-01\" has no time zone, so it is UTC");
        assert!(told(berlin, "2026-03-29 02:30").contains("does not exist"));
        assert!(told(berlin, "2026-10-25 02:30").contains("happens twice"));
        assert!(told(berlin, "tomorrow").contains("is no moment"));
        assert!(told(Some("Europe/Berlín"), "2026-12-01").contains("is no time zone"));
        assert!(told(berlin, "2026-13-01").contains("is no moment"));
    }
}
