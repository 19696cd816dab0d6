//! Days and moments, as facts of flags name them.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// Seconds in a day.
pub(super) const DAY: i64 = 24 * 60 * 60;

/// When a day begins, or a moment is, in seconds since 1970. Days are those of UTC.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment.as_second());
    }
    let civil = text.parse::<DateTime>().ok()?;
    Some(TimeZone::UTC.to_timestamp(civil).ok()?.as_second())
}

/// A moment in the time zone of a file, as people write it: the day alone, if it begins there.
pub(super) fn text(seconds: i64, zone: Option<&TimeZone>) -> String {
    let Ok(moment) = Timestamp::from_second(seconds) else { return format!("{seconds} s") };
    let moment = moment.to_zoned(zone.unwrap_or(&TimeZone::UTC).clone());
    if moment.start_of_day().is_ok_and(|start| start == moment) {
        return moment.strftime("%Y-%m-%d").to_string();
    }
    let name = zone.and_then(TimeZone::iana_name).unwrap_or("UTC");
    format!("{} {name}", moment.strftime("%Y-%m-%d %H:%M"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_the_zone_of_the_file() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        for (seconds, zone, expected) in [
            (1_796_079_600, Some(&berlin), "2026-12-01"),
            (1_796_112_000, Some(&berlin), "2026-12-01 09:00 Europe/Berlin"),
            (1_796_079_600, None, "2026-11-30 23:00 UTC"),
            (1_796_083_200, None, "2026-12-01"),
        ] {
            assert_eq!(text(seconds, zone), expected);
        }
    }
}
