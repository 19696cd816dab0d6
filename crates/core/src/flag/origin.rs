//! Facts of a readable flag that its translated definition cannot express: whether the file kills
//! the flag, and the time zone of the file.

use crate::flag::model::Flag;
use jiff::{Timestamp, tz::TimeZone};

/// What a flag file says of a flag beyond its definition. No evaluation depends on it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The file says `killed: true`. The definition only shows a static flag.
    pub(crate) killed: bool,
    /// What a kill falls back to, if the definition does not show it.
    pub(crate) otherwise: Option<Box<str>>,
    /// The zone that the file writes its moments in; UTC if the file names none.
    pub(crate) zone: Option<TimeZone>,
}

impl Origin {
    /// Every origin that differs has another text.
    pub(crate) fn text(&self) -> String {
        let zone = self.zone.as_ref().and_then(TimeZone::iana_name);
        let otherwise = self.otherwise.as_deref().unwrap_or_default();
        format!("{} {} {otherwise}", self.killed, zone.unwrap_or_default())
    }

    /// A moment as the readable format writes it, with the name of its zone:
    /// `2026-12-03 09:00 Europe/Berlin`. Seconds only where they are not zero.
    pub(super) fn moment(&self, seconds: i64) -> Option<String> {
        let form = if seconds.rem_euclid(60) == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
        let zone = self.zone.as_ref().and_then(TimeZone::iana_name).unwrap_or("UTC");
        Some(format!("{} {zone}", self.formatted(seconds, form)?))
    }

    /// The day of a moment: `3 Dec`.
    pub(super) fn day(&self, seconds: i64) -> Option<String> {
        self.formatted(seconds, "%-d %b")
    }

    fn formatted(&self, seconds: i64, form: &str) -> Option<String> {
        let moment = Timestamp::from_second(seconds).ok()?;
        let zone = self.zone.clone().unwrap_or(TimeZone::UTC);
        Some(moment.to_zoned(zone).strftime(form).to_string())
    }
}

impl Flag {
    /// The same flag with its origin. A flag without boundaries needs no zone.
    pub(crate) fn of(self, origin: Origin) -> Self {
        let zone = origin.zone.filter(|_| self.boundaries.iter().any(|some| !some.is_empty()));
        let killed = origin.killed || self.origin.killed;
        Self { origin: Origin { zone, killed, otherwise: origin.otherwise }, ..self }
    }

    /// Whether its file says `killed: true`. An override may serve another variant all the same.
    pub fn is_killed(&self) -> bool {
        self.origin.killed
    }

    /// A moment in the time zone of its file.
    pub fn moment(&self, seconds: i64) -> Option<String> {
        self.origin.moment(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_the_zone_of_the_file() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let berlin = Origin { zone: Some(zone), ..Origin::default() };
        let utc = Origin::default();
        for (origin, seconds, moment, day) in [
            (&berlin, 1_796_112_000, "2026-12-01 09:00 Europe/Berlin", "1 Dec"),
            (&berlin, 1_782_946_799, "2026-07-02 00:59:59 Europe/Berlin", "2 Jul"),
            (&utc, 1_782_946_799, "2026-07-01 22:59:59 UTC", "1 Jul"),
            (&utc, -60, "1969-12-31 23:59 UTC", "31 Dec"),
        ] {
            assert_eq!(origin.moment(seconds).as_deref(), Some(moment));
            assert_eq!(origin.day(seconds).as_deref(), Some(day));
        }
        assert_eq!(utc.moment(i64::MAX), None);
    }
}
