//! The `Date` header of HTTP (RFC 9110, section 5.6.7), as the HTTP stack writes it.
//!
//! Stands in for the published crate of this name, which panics before 1970 and after 9999: the
//! stack asks for the date on every HTTP/1 connection, so a wrong clock would reset all of them.
//! Here such a time becomes the nearest one that the header can say.
#![forbid(unsafe_code)]

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

/// A moment that the header can say, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpDate(u64);

impl From<SystemTime> for HttpDate {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(since.as_secs().min(LAST))
    }
}

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 1 January 1970 was a Thursday.
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        let (days, second) = (self.0 / 86_400, self.0 % 86_400);
        let (year, month, day) = civil(days);
        let weekday = DAYS.into_iter().cycle().nth((days % 7) as usize).unwrap_or_default();
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }
}

/// Year, month and day of a day since 1970, in the Gregorian calendar.
fn civil(mut days: u64) -> (u64, &'static str, u64) {
    /// The days of 400 years, after which the calendar repeats itself.
    const CYCLE: u64 = 146_097;
    const MONTHS: [(&str, u64); 12] = [
        ("Jan", 31), ("Feb", 28), ("Mar", 31), ("Apr", 30), ("May", 31), ("Jun", 30),
        ("Jul", 31), ("Aug", 31), ("Sep", 30), ("Oct", 31), ("Nov", 30), ("Dec", 31),
    ];
    let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970 + days / CYCLE * 400;
    days %= CYCLE;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    for (month, length) in MONTHS {
        let length = length + u64::from(month == "Feb" && is_leap(year));
        if days < length {
            return (year, month, days + 1);
        }
        days -= length;
    }
    (year, "Dec", 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn any_time_has_a_date_of_29_bytes() {
        for (seconds, expected) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_475_419_451, "Sun, 02 Oct 2016 14:44:11 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (LAST, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (LAST + 1, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            let date = HttpDate::from(UNIX_EPOCH + Duration::from_secs(seconds)).to_string();
            assert_eq!((date.as_str(), date.len()), (expected, 29));
        }
        let before = HttpDate::from(UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(before, HttpDate(0));
    }
}
