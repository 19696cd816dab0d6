//! Time zones by name, and the advice for names that mean several zones or something unexpected.

use super::{Advice, timestamp};
use crate::diagnostic::suggest::suggest;
use jiff::{
    civil::date,
    tz::{Offset, TimeZone, TimeZoneDatabase},
};

/// A zone by its name.
#[derive(Debug)]
pub(crate) struct Zone {
    pub(crate) zone: TimeZone,
    /// The name may mean something else than its author thinks.
    pub(crate) remark: Option<Advice>,
}

/// Abbreviations, and zones in which they are used.
const ABBREVIATIONS: [(&str, &str); 22] = [
    ("PST PDT PT", "America/Los_Angeles"),
    ("MST MDT MT", "America/Denver, or, without daylight saving, America/Phoenix"),
    ("CST CDT CT", "America/Chicago, or Asia/Shanghai"),
    ("EST EDT ET EST5EDT", "America/New_York, or, without daylight saving, America/Panama"),
    ("AKST AKDT", "America/Anchorage"),
    ("HST", "Pacific/Honolulu"),
    ("AST ADT", "America/Halifax, or Asia/Riyadh"),
    ("BRT", "America/Sao_Paulo"),
    ("GMT BST GB", "Europe/London, or, without summer time, UTC"),
    ("WET WEST", "Europe/Lisbon"),
    ("CET CEST MET MEZ MESZ", "Europe/Berlin, or, without summer time, Africa/Algiers"),
    ("EET EEST", "Europe/Helsinki, or Africa/Cairo"),
    ("MSK", "Europe/Moscow"),
    ("IST", "Asia/Kolkata, Europe/Dublin or Asia/Jerusalem"),
    ("IDT", "Asia/Jerusalem"),
    ("SGT", "Asia/Singapore"),
    ("JST", "Asia/Tokyo"),
    ("KST", "Asia/Seoul"),
    ("AEST AEDT AET", "Australia/Sydney, or, without daylight saving, Australia/Brisbane"),
    ("AWST", "Australia/Perth"),
    ("NZST NZDT", "Pacific/Auckland"),
    ("UT UCT ZULU UNIVERSAL Z", "UTC"),
];

const CITY: &str = "the zone of a city, such as Europe/Berlin";

/// The zone that a name means.
pub(crate) fn read(name: &str) -> Result<Zone, Advice> {
    let zones = &TimeZoneDatabase::bundled();
    if let Ok(zone) = zones.get(name) {
        let remark = remark(name, &zone);
        return Ok(Zone { zone, remark });
    }
    let message = format!("\"{name}\" is not a time zone");
    Err(Advice::new(message, instead_of(name, zones)))
}

/// The zone in brackets behind a time: a name, or an offset (RFC 9557, section 4.1).
pub(super) fn bracketed(name: &str) -> Result<Zone, Advice> {
    match super::numeric(name) {
        Some(super::Offset::Numeric(seconds)) if let Ok(offset) = Offset::from_seconds(seconds) => {
            Ok(Zone { zone: offset.to_time_zone(), remark: None })
        }
        Some(_) => Ok(Zone { zone: TimeZone::UTC, remark: None }),
        None => read(name),
    }
}

/// What a zone is called in a message.
pub(super) fn name_of(zone: &TimeZone) -> String {
    match (zone.iana_name(), zone.to_fixed_offset()) {
        (Some(name), _) => name.to_owned(),
        (None, Ok(offset)) => written(offset.seconds()),
        (None, Err(_)) => "the zone".to_owned(),
    }
}

/// The offset of a zone at a moment, in seconds.
pub(super) fn offset_at(zone: &TimeZone, seconds: i64) -> i32 {
    zone.to_offset(timestamp(seconds)).seconds()
}

/// An offset as people write it.
pub(super) fn written(seconds: i32) -> String {
    let (sign, size) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    let (hours, minutes, rest) = (size / 3600, size / 60 % 60, size % 60);
    match rest {
        0 => format!("{sign}{hours:02}:{minutes:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
    }
}

/// What a name means that is easily taken for something else.
fn remark(name: &str, zone: &TimeZone) -> Option<Advice> {
    if name.eq_ignore_ascii_case("UTC") {
        return None;
    }
    let offsets = [(1, 15), (7, 15)].map(|(month, day)| {
        // A year in which no zone has exceptions.
        let at = date(2100, month, day).at(12, 0, 0, 0);
        zone.to_ambiguous_timestamp(at).offset()
    });
    let offsets = offsets.map(|offset| match offset {
        jiff::tz::AmbiguousOffset::Unambiguous { offset } => offset.seconds(),
        jiff::tz::AmbiguousOffset::Gap { before, .. }
        | jiff::tz::AmbiguousOffset::Fold { before, .. } => before.seconds(),
    });
    let [winter, summer] = offsets.map(written);
    let is_inverted = name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("Etc/GMT"));
    if is_inverted && offsets != [0, 0] {
        let message = format!("\"{name}\" is {winter}: the sign in its name is inverted");
        let other = match offsets {
            [seconds, _] if (-43_200..=43_200).contains(&seconds) => etc(-seconds),
            _ => CITY.to_owned(),
        };
        return Some(Advice::new(message, format!("if {winter} is not meant, write {other}")));
    }
    if name.contains('/') {
        return None;
    }
    let meaning = match winter == summer {
        true => format!("is {winter} in every month"),
        false => format!("is {winter} in January and {summer} in July"),
    };
    let instead = abbreviated(name).map_or(CITY.to_owned(), str::to_owned);
    Some(Advice::new(format!("\"{name}\" {meaning}"), format!("write {instead}")))
}

/// What to write instead of a name that is unknown.
fn instead_of(name: &str, zones: &TimeZoneDatabase) -> String {
    if let Some(zones) = abbreviated(name) {
        return format!("an abbreviation may mean several zones; write {zones}");
    }
    if let Some(seconds) = offset_in(name) {
        return match seconds {
            Some(0) => "write UTC".to_owned(),
            Some(seconds) if seconds % 3600 == 0 && (-43_200..=50_400).contains(&seconds) => {
                format!("write {CITY}; {} is {} in every month", etc(seconds), written(seconds))
            }
            _ => format!("write {CITY}, and not an offset"),
        };
    }
    let names: Vec<String> = zones.available().map(|name| name.to_string()).collect();
    // Cities are often written alone, and with blanks.
    let city = name.trim().replace(' ', "_");
    let is_it = |zone: &&String| {
        zone.rsplit_once('/').is_some_and(|(_, last)| last.eq_ignore_ascii_case(&city))
    };
    if let Some(zone) = names.iter().find(is_it) {
        return format!("write {zone}");
    }
    let is_word = !name.contains('/') && (name.len() <= 5 || name.ends_with("ime"));
    if is_word {
        return format!("write {CITY}, or UTC");
    }
    let otherwise = format!("write {CITY}");
    suggest(name, names.iter().map(String::as_str), &otherwise)
}

/// The zones in which an abbreviation is used.
fn abbreviated(name: &str) -> Option<&'static str> {
    let is_it = |names: &str| names.split(' ').any(|known| known.eq_ignore_ascii_case(name.trim()));
    ABBREVIATIONS.iter().find(|(names, _)| is_it(names)).map(|(_, zones)| *zones)
}

/// The offset that stands in a name, if one does, and its seconds if its sign is clear.
fn offset_in(name: &str) -> Option<Option<i32>> {
    let name = name.trim().replace('\u{2212}', "-");
    let at = name.find(['+', '-'])?;
    let (before, offset) = name.split_at_checked(at)?;
    let digits = offset.get(1..)?.trim_start();
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let is_clear = ["", "UTC", "GMT", "Z"].iter().any(|it| before.trim().eq_ignore_ascii_case(it));
    let padded = match digits.split_once(':') {
        Some((hours, minutes)) => format!("{hours:0>2}:{minutes}"),
        None if digits.len() == 3 => format!("0{digits}"),
        None => format!("{digits:0>2}"),
    };
    let sign = if offset.starts_with('-') { '-' } else { '+' };
    let seconds = match super::numeric(&format!("{sign}{padded}")) {
        Some(super::Offset::Numeric(seconds)) => Some(seconds),
        Some(super::Offset::Utc) => Some(0),
        None => None,
    };
    Some(seconds.filter(|_| is_clear))
}

/// The zone of a whole number of hours; the sign of its name is inverted.
fn etc(seconds: i32) -> String {
    format!("Etc/GMT{:+}", -seconds / 3600)
}
