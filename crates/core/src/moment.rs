//! Moments as people write them: `2026-12-01 09:00`, alone, with an offset, or with a zone in
//! brackets (RFC 9557).
//!
//! The zones are those of the IANA database this binary was built with, so that a file means the
//! same on every machine. Seconds are counted here and not by a timestamp type: those end before
//! 9999-12-31, which is a day that authors write for "never".

mod mistake;
#[cfg(test)]
mod tests;
mod zone;

use jiff::{
    SignedDuration, Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};
pub(super) use zone::{Zone, read as zone};

/// Seconds in a day.
pub const DAY: i64 = 24 * 60 * 60;

/// The civil time that seconds are counted from.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// A moment that was understood.
#[derive(Debug)]
pub struct Moment {
    /// Since 1970.
    pub seconds: i64,
    /// The text has an offset or a zone.
    pub(super) is_zoned: bool,
    /// The zone in brackets may mean something else than its author thinks.
    pub remark: Option<Advice>,
    /// Clocks were put forward over this civil time, or back over it.
    pub ambiguity: Option<Advice>,
}

/// What is wrong with a text, and what to write instead.
#[derive(Debug, PartialEq, Eq)]
pub struct Advice {
    pub message: String,
    pub help: String,
}

impl Advice {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

/// An offset as written.
#[derive(Debug, Clone, Copy)]
enum Offset {
    /// `Z` or `-00:00`: the moment is known, but not the local offset (RFC 9557, section 2.2).
    Utc,
    /// In seconds.
    Numeric(i32),
}

/// Reads a moment. A text without an offset or a zone of its own is in `zone`.
pub fn read(text: &str, zone: &TimeZone) -> Result<Moment, Advice> {
    let text = text.trim();
    let (base, annotations) =
        text.split_at_checked(text.find('[').unwrap_or(text.len())).unwrap_or((text, ""));
    let own = annotated_zone(text, annotations)?;
    let (civil, offset) = civil(base).ok_or_else(|| mistake::advice(base))?;
    let local = seconds_of(civil);
    let is_zoned = offset.is_some() || own.is_some();
    let (own, remark) = own.map_or((None, None), |own| (Some(own.zone), own.remark));
    let (seconds, ambiguity) = match offset {
        Some(Offset::Utc) => (local, None),
        Some(Offset::Numeric(offset)) => {
            let seconds = local - i64::from(offset);
            if let Some(own) = &own {
                agree(text, base, offset, seconds, own)?;
            }
            (seconds, None)
        }
        None => {
            let is_day = !base.contains(['T', 't', ' ']);
            in_zone(text, civil, own.as_ref().unwrap_or(zone), is_day)
        }
    };
    Ok(Moment { seconds, is_zoned, remark, ambiguity })
}

/// Reads a day or a moment for a command line or a fact of a flag: a text without a zone is UTC.
///
/// The error says what is wrong and what to write.
pub fn parse(text: &str) -> Result<i64, String> {
    let told = |advice: Advice| format!("{}; {}", advice.message, advice.help);
    let moment = read(text, &TimeZone::UTC).map_err(told)?;
    moment.ambiguity.map_or(Ok(moment.seconds), |ambiguity| Err(told(ambiguity)))
}

/// As [`parse`], for a text that has to name its offset or its zone.
pub fn parse_zoned(text: &str) -> Result<i64, String> {
    // The general advice is a time without a zone, which is not enough here.
    let zoned =
        "write a time with its zone: 2026-12-09T10:00:00Z or 2026-12-01 09:00[Europe/Berlin]";
    let seconds = parse(text).map_err(|error| error.replace(mistake::DAY, zoned))?;
    let is_zoned = read(text, &TimeZone::UTC).is_ok_and(|moment| moment.is_zoned);
    let help = "has no offset; write 2026-12-09T10:00:00Z or 2026-12-09T10:00[Europe/Berlin]";
    if is_zoned { Ok(seconds) } else { Err(help.to_owned()) }
}

/// A moment in the time zone of a file, as people write it: the day alone, if the day begins then.
pub fn text(seconds: i64, zone: Option<&TimeZone>) -> String {
    let utc = TimeZone::UTC;
    let zone = zone.unwrap_or(&utc);
    let local = seconds.saturating_add(zone::offset_at(zone, seconds).into());
    let Ok(civil) = EPOCH.checked_add(SignedDuration::from_secs(local)) else {
        return format!("{seconds} s");
    };
    let midnight = civil.date().at(0, 0, 0, 0);
    if in_zone("", midnight, zone, true).0 == seconds {
        return civil.strftime("%Y-%m-%d").to_string();
    }
    format!("{} {}", civil.strftime("%Y-%m-%d %H:%M"), zone.iana_name().unwrap_or("UTC"))
}

/// Seconds from 1970 to a civil time, as if it were UTC.
fn seconds_of(civil: DateTime) -> i64 {
    let since = civil.duration_since(EPOCH);
    since.as_secs() - i64::from(since.subsec_nanos() < 0)
}

/// The zone in brackets behind a time.
fn annotated_zone(text: &str, annotations: &str) -> Result<Option<Zone>, Advice> {
    let mut rest = annotations;
    let mut own = None;
    while !rest.is_empty() {
        let part = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let Some((part, after)) = part else {
            let help = "write one zone in brackets at the end: 2026-12-01T09:00[Europe/Berlin]";
            return Err(Advice::new(format!("\"{text}\" does not end with its zone"), help));
        };
        // All annotations count here, whether or not `!` marks them as critical.
        let name = part.strip_prefix('!').unwrap_or(part);
        if name.contains('=') {
            let help = "remove the annotation; a zone is the only one that is read";
            return Err(Advice::new(format!("\"[{part}]\" is not supported"), help));
        }
        if own.is_some() {
            return Err(Advice::new(format!("\"{text}\" has two zones"), "keep one of them"));
        }
        own = Some(zone::bracketed(name)?);
        rest = after;
    }
    Ok(own)
}

/// Reads a day or a time with the offset behind it, if there is one.
fn civil(base: &str) -> Option<(DateTime, Option<Offset>)> {
    let Some(at) = base.find(['T', 't', ' ']) else {
        return Some((base.parse().ok()?, None));
    };
    let signs = base.get(at..)?.find(['Z', 'z', '+', '-']).map(|sign| at + sign);
    let (civil, written) = base.split_at_checked(signs.unwrap_or(base.len()))?;
    // The parser would count a leap second as the second before it.
    if mistake::has_leap_second(civil) || civil.ends_with(' ') {
        return None;
    }
    let offset = match written {
        "" => None,
        "Z" | "z" => Some(Offset::Utc),
        written => Some(numeric(written)?),
    };
    Some((civil.parse().ok()?, offset))
}

/// `+02:00`, `+0200` or `+02`.
fn numeric(text: &str) -> Option<Offset> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+')?),
    };
    let (hours, minutes) = match (digits.len(), digits.split_once(':')) {
        (5, Some(parts)) => parts,
        (4, None) => digits.split_at_checked(2)?,
        (2, None) => (digits, "0"),
        _ => return None,
    };
    let number = |text: &str| {
        text.parse::<i32>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let seconds = sign * (hours * 3600 + minutes * 60);
    let is_one = hours < 24 && minutes < 60;
    let is_unknown = seconds == 0 && sign < 0;
    is_one.then_some(if is_unknown { Offset::Utc } else { Offset::Numeric(seconds) })
}

/// Whether an offset is the one that the zone has then.
fn agree(text: &str, base: &str, offset: i32, seconds: i64, zone: &TimeZone) -> Result<(), Advice> {
    let actual = zone::offset_at(zone, seconds);
    if actual == offset {
        return Ok(());
    }
    let (name, actual) = (zone::name_of(zone), zone::written(actual));
    let message = format!("\"{text}\" contradicts itself: {name} is {actual} then");
    let civil = base.get(..base.rfind(['+', '-']).unwrap_or(base.len())).unwrap_or_default();
    Err(Advice::new(message, format!("write {civil}[{name}], or the offset without the zone")))
}

/// The moment at which a zone's clocks show a civil time: the first of two, and later by as much as
/// clocks are put forward if they never show it.
fn in_zone(text: &str, civil: DateTime, zone: &TimeZone, is_day: bool) -> (i64, Option<Advice>) {
    let local = seconds_of(civil);
    match zone.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => (local - i64::from(offset.seconds()), None),
        AmbiguousOffset::Gap { before, after } => {
            let later = i64::from(after.seconds() - before.seconds());
            let seconds = local - i64::from(before.seconds());
            // A day begins with its first hour, whatever that is called.
            if is_day && later < DAY {
                return (seconds, None);
            }
            let shown = EPOCH.saturating_add(SignedDuration::from_secs(local + later));
            let message = format!("\"{text}\" does not exist: clocks are put forward over it");
            let shown = shown.strftime("%Y-%m-%d %H:%M");
            (seconds, Some(Advice::new(message, format!("it counts as {shown}; write that"))))
        }
        AmbiguousOffset::Fold { before, after } => {
            let seconds = local - i64::from(before.seconds());
            if is_day {
                return (seconds, None);
            }
            let message = format!("\"{text}\" happens twice: clocks are put back over it");
            let base = text.split('[').next().unwrap_or_default();
            let [first, second] = [before, after].map(|offset| zone::written(offset.seconds()));
            let help = format!("the first one counts; write {base}{first} or {base}{second}");
            (seconds, Some(Advice::new(message, help)))
        }
    }
}

/// A moment that the zone's rules can be looked up for.
fn timestamp(seconds: i64) -> Timestamp {
    let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    Timestamp::from_second(seconds.clamp(first, last)).unwrap_or_default()
}
