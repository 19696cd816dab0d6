//! Texts that are not moments: what is wrong with each, and what to write.

use super::{Advice, zone};
use jiff::civil::{Date, date};

pub(super) const DAY: &str = "write a day or a time, such as 2026-12-01 or 2026-12-01 09:00";

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Whether the seconds of a civil time are 60, which no count of seconds has.
pub(super) fn has_leap_second(civil: &str) -> bool {
    civil.split(':').nth(2).is_some_and(|seconds| seconds.starts_with("60"))
}

/// The advice for a text, without its zone in brackets, that is not a moment.
pub(super) fn advice(text: &str) -> Advice {
    let text = text.trim();
    let ends = text.find(['T', 't', ' ']).unwrap_or(text.len());
    let (day, clock) = text.split_at_checked(ends).unwrap_or((text, ""));
    let problem = match of_day(day) {
        Ok(day) if clock.is_empty() => offset_of_day(day, text),
        Ok(day) => of_clock(day, clock.get(1..).unwrap_or_default()),
        Err(problem) => problem,
    };
    problem.map_or_else(
        || Advice::new(format!("\"{text}\" is not a moment"), DAY),
        |(what, help)| Advice::new(format!("\"{text}\" {what}"), help),
    )
}

/// What is wrong, after the quoted text, and what to write.
type Problem = Option<(String, String)>;

/// The day that a text is, or what is wrong with it.
fn of_day(text: &str) -> Result<Date, Problem> {
    let separator = text.chars().find(|c| !c.is_ascii_digit());
    let parts: Vec<&str> =
        separator.map_or(vec![text], |separator| text.split(separator).collect());
    let numbers: Option<Vec<i16>> = parts.iter().map(|part| part.parse().ok()).collect();
    let Some(numbers) = numbers.filter(|_| matches!(separator, None | Some('-' | '/' | '.')))
    else {
        return Err(text.parse().ok().and_then(of_unix_time));
    };
    match (numbers.as_slice(), separator) {
        (&[year], _) if parts.iter().all(|part| part.len() == 4) => {
            Err(Some(("is a year, not a day".to_owned(), format!("write {year:04}-01-01"))))
        }
        (&[year, month], Some('-' | '/' | '.')) if (1..=12).contains(&month) && year > 999 => {
            let help = format!("write {year:04}-{month:02}-01");
            Err(Some(("is a month, not a day".to_owned(), help)))
        }
        (&[year, month, day], _) if parts.first().is_some_and(|year| year.len() == 4) => {
            let written = exists(year, month, day)?;
            if text == written.to_string() {
                return Ok(written);
            }
            let help = format!("write {written}");
            Err(Some(("is not written as year-month-day".to_owned(), help)))
        }
        (&[first, second, year], Some(separator)) if parts.last().is_some_and(|y| y.len() == 4) => {
            Err(year_last(first, second, year, separator))
        }
        ([_, _, _], Some(_)) => {
            let help = "write the year with four digits, such as 2026-12-31".to_owned();
            Err(Some(("is not a day".to_owned(), help)))
        }
        _ => Err(None),
    }
}

/// A day of the calendar, or why there is none.
fn exists(year: i16, month: i16, day: i16) -> Result<Date, Problem> {
    let number = |number: i16| i8::try_from(number).unwrap_or(0);
    let Some(name) = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)) else {
        let what = format!("is not a day: there is no month {month}");
        let help = "write year, month and day, such as 2026-12-01".to_owned();
        return Err(Some((what, help)));
    };
    let first = Date::new(year, number(month), 1).map_err(|_| None)?;
    Date::new(year, number(month), number(day)).map_err(|_| {
        let days = first.days_in_month();
        let what = format!("is not a day: {name} {year} has {days} days");
        let last = first.last_of_month();
        let help = match last.tomorrow() {
            Ok(next) if day > 0 => format!("write {last} or {next}"),
            _ => format!("write {first}"),
        };
        Some((what, help))
    })
}

/// A date that ends with the year: day and month may stand in either order.
fn year_last(first: i16, second: i16, year: i16, separator: char) -> Problem {
    let european = exists(year, second, first).ok();
    let american = exists(year, first, second).ok().filter(|_| separator != '.');
    let help = match (european, american) {
        (Some(one), Some(other)) if one != other => format!("write {one} or {other}"),
        (Some(one), _) | (None, Some(one)) => format!("write {one}"),
        (None, None) => "write year, month and day, such as 2026-12-31".to_owned(),
    };
    Some(("is not written as year-month-day".to_owned(), help))
}

/// The seconds, or milliseconds, of a program.
fn of_unix_time(number: i64) -> Problem {
    let seconds = match number {
        1_000_000_000..=9_999_999_999 => number,
        1_000_000_000_000..=9_999_999_999_999 => number / 1000,
        _ => return None,
    };
    let help = format!("write {}", super::timestamp(seconds));
    Some(("is a number, not a moment".to_owned(), help))
}

/// An offset or a zone directly behind a day.
fn offset_of_day(day: Date, text: &str) -> Problem {
    let rest = text.get(10..).unwrap_or_default();
    Some(("has no time before its offset".to_owned(), format!("write {day}T00:00{rest}")))
}

/// What is wrong with the time behind a day.
fn of_clock(day: Date, text: &str) -> Problem {
    let ends = text.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.');
    let (clock, behind) = text.split_at_checked(ends.unwrap_or(text.len()))?;
    let parts: Vec<&str> = clock.split(':').collect();
    let numbers: Vec<u32> = parts.iter().map_while(|part| whole(part)).collect();
    let (hour, minute, second) = match numbers.as_slice() {
        [hour, minute] => (*hour, *minute, 0),
        [hour, minute, second] => (*hour, *minute, *second),
        [hour] if !behind.trim().is_empty() => (*hour, 0, 0),
        _ => return None,
    };
    let next = || day.tomorrow().unwrap_or(date(9999, 12, 31));
    let wrong = |what: &str, help: String| Some((what.to_owned(), help));
    let behind = behind.trim();
    if behind.eq_ignore_ascii_case("am") || behind.eq_ignore_ascii_case("pm") {
        let noon = if behind.eq_ignore_ascii_case("pm") { 12 } else { 0 };
        let help = format!("write {day} {:02}:{minute:02}", hour % 12 + noon);
        return wrong("has a time of twelve hours", help);
    }
    match (hour, minute, second) {
        (24, 0, 0) => wrong("has 24:00, which is the next day", format!("write {} 00:00", next())),
        (24.., _, _) => {
            Some((format!("is not a time: there is no hour {hour}"), "write 00 to 23".to_owned()))
        }
        (_, 60.., _) => Some((
            format!("is not a time: there is no minute {minute}"),
            "write 00 to 59".to_owned(),
        )),
        (_, _, 60) => {
            let help = format!("write {day} {hour:02}:{minute:02}:59{behind}");
            wrong("has a leap second, which is not supported", help)
        }
        (_, _, 61..) => Some((
            format!("is not a time: there is no second {second}"),
            "write 00 to 59".to_owned(),
        )),
        _ if parts.iter().any(|part| part.find('.').unwrap_or(part.len()) != 2) => {
            let help = format!("write {day} {hour:02}:{minute:02}{behind}");
            wrong("does not have two digits for the hour and the minute", help)
        }
        _ => behind_clock(&format!("{day}T{clock}"), behind),
    }
}

/// The whole part of a number.
fn whole(text: &str) -> Option<u32> {
    text.split('.').next()?.parse().ok()
}

/// What is wrong with the offset or zone behind a time that is right.
fn behind_clock(before: &str, behind: &str) -> Problem {
    let what = format!("has \"{behind}\" behind the time");
    if matches!(behind, "UTC" | "GMT" | "utc" | "gmt" | "Z" | "z") {
        return Some((what, format!("write {before}Z")));
    }
    if super::numeric(behind).is_some() {
        return Some((what, format!("write {before}{behind}")));
    }
    if behind.contains('/') && zone::read(behind).is_ok() {
        return Some((what, format!("write {before}[{behind}]")));
    }
    let help = format!(
        "write the offset, such as {before}+02:00, or a zone, such as {before}[Europe/Berlin]"
    );
    Some((what, help))
}
