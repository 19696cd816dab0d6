//! The clock of a readable file: its `time_zone`, and the moments that are read in it.

use super::node::Node;
use crate::{
    diagnostic::{Diagnostic, codes::NO_TIME_ZONE, problems::Problems},
    moment::{self, Zone},
};
use jiff::tz::TimeZone;
use std::borrow::Cow;

/// How to read moments that do not say their offset.
#[derive(Debug)]
pub struct Clock {
    zone: Option<TimeZone>,
}

impl Clock {
    /// The clock of a file, by its `time_zone`. A wrong one would move every step of every plan.
    pub fn read(node: Option<&Node<'_>>, found: &mut Problems) -> Result<Self, Diagnostic> {
        let Some(node) = node else { return Ok(Self { zone: None }) };
        // An offset without quotes may be a number.
        let name = node.value.as_str().map_or_else(|| node.value.to_canonical(), Cow::into_owned);
        let Zone { zone, remark } =
            moment::zone(&name).map_err(|advice| node.error(advice.message, advice.help))?;
        found.extend(remark.map(|remark| node.warning(remark.message, remark.help)));
        Ok(Self { zone: Some(zone) })
    }

    /// The zone that the file names.
    pub(super) fn zone(&self) -> Option<&TimeZone> {
        self.zone.as_ref()
    }

    /// A moment in seconds since 1970.
    pub fn moment(&self, node: &Node<'_>, found: &mut Problems) -> Option<i64> {
        let text = node.text("a moment", found)?;
        self.parse(&text, node, found)
    }

    /// A moment that stands in a text at `node`.
    pub(super) fn parse(&self, text: &str, node: &Node<'_>, found: &mut Problems) -> Option<i64> {
        let moment = moment::read(text, self.zone.as_ref().unwrap_or(&TimeZone::UTC));
        let moment = moment.map_err(|advice| found.push(node.error(advice.message, advice.help)));
        let moment = moment.ok()?;
        if self.zone.is_none() && !moment.is_zoned {
            let help = "add time_zone to the file, or Z to the time";
            let message = format!("\"{}\" has no time zone, so it is UTC", text.trim());
            found.push(node.warning(message, help).of(NO_TIME_ZONE));
        }
        let doubts = moment.remark.into_iter().chain(moment.ambiguity);
        found.extend(doubts.map(|doubt| node.warning(doubt.message, doubt.help)));
        Some(moment.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{diagnostic::Path, document::json::Indexed};

    fn read(zone: Option<&str>, text: &str) -> (Option<i64>, Vec<String>) {
        let mut found = Problems::with_room(9);
        let zone = zone.map(|zone| format!("\"{zone}\""));
        let zone = zone.as_deref().map(|zone| Indexed::new(zone).unwrap());
        let zone = zone.as_ref().map(Indexed::value);
        let node = zone.map(|value| Node::new(value, "time_zone".into()));
        let clock = match Clock::read(node.as_ref(), &mut found) {
            Ok(clock) => clock,
            Err(error) => return (None, vec![error.message.into()]),
        };
        let text = format!("\"{text}\"");
        let value = Indexed::new(&text).unwrap();
        let node = Node::new(value.value(), Path::from("start"));
        let moment = clock.moment(&node, &mut found);
        (moment, found.finish().0.into_iter().map(|problem| problem.message.into()).collect())
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
        assert!(told(berlin, "tomorrow").contains("is not a moment"));
        assert!(told(Some("Europe/Berlín"), "2026-12-01").contains("is not a time zone"));
        assert!(told(berlin, "2026-13-01").contains("no month 13"));
    }
}
