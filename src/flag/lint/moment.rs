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

/// A moment as people write it: the day alone, if it begins there.
pub(super) fn text(seconds: i64) -> String {
    let Ok(moment) = Timestamp::from_second(seconds) else { return format!("{seconds} s") };
    let form = if seconds.rem_euclid(DAY) == 0 { "%Y-%m-%d" } else { "%Y-%m-%d %H:%M UTC" };
    moment.strftime(form).to_string()
}
