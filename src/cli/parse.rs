//! Option values: what they may look like, and what to say when they do not.

use crate::files::{disk, listing::FileKind};
use flagstaff_core::diagnostic::terminal::Printable;
use std::{
    fmt::Display,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// A port, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// Do not listen.
    Off,
    /// This one; 0 is any free one.
    Number(u16),
    /// What Kubernetes sets for a Service of the sidecar's name: not meant for us.
    ServiceLink,
}

/// `off`, or a number.
pub fn port(text: &str) -> Result<Port, String> {
    if text.eq_ignore_ascii_case("off") {
        return Ok(Port::Off);
    }
    if ["tcp://", "udp://", "sctp://"].iter().any(|protocol| text.starts_with(protocol)) {
        return Ok(Port::ServiceLink);
    }
    let help = "a port is a number from 0 (any free one) to 65535, or off";
    text.parse().map(Port::Number).map_err(|_| help.to_owned())
}

/// Addresses to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bind {
    /// This one.
    Address(IpAddr),
    /// Every address of the machine.
    Any,
}

/// `any`, or an IP address.
pub fn bind(text: &str) -> Result<Bind, String> {
    // A list may have blanks after its commas.
    let text = text.trim();
    if text.eq_ignore_ascii_case("any") {
        return Ok(Bind::Any);
    }
    let help = "an address is an IP address such as 127.0.0.1 or ::1, or any";
    text.parse().map(Bind::Address).map_err(|_| help.to_owned())
}

/// A duration such as `500ms`, `5s` or `10m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let help = |error| Printable(format_args!("{error}; write 500ms, 5s or 10m")).to_string();
    humantime::parse_duration(text).map_err(help)
}

/// How often to poll: often enough to be of use, and not all the time.
pub fn poll_interval(text: &str) -> Result<Duration, String> {
    let range = Duration::from_millis(10)..=Duration::from_secs(24 * 60 * 60);
    let interval = duration(text)?;
    let error = || "must be from 10ms to 24h".to_owned();
    if range.contains(&interval) { Ok(interval) } else { Err(error()) }
}

/// How long to go on serving after a signal; Kubernetes waits 30 s unless told otherwise.
pub fn drain_delay(text: &str) -> Result<Duration, String> {
    let delay = duration(text)?;
    let error = || "must be at most 1h".to_owned();
    if delay <= Duration::from_secs(60 * 60) { Ok(delay) } else { Err(error()) }
}

/// How long an override lasts: it is for now, and what is for good belongs in a file.
pub fn override_duration(text: &str) -> Result<Duration, String> {
    let range = Duration::from_secs(1)..=Duration::from_secs(30 * 24 * 60 * 60);
    let lasts = duration(text)?;
    let error = || "must be from 1s to 30days; what is to last belongs in the flag file".to_owned();
    if range.contains(&lasts) { Ok(lasts) } else { Err(error()) }
}

/// A reason that somebody else can make sense of.
pub fn reason(text: &str) -> Result<String, String> {
    const LONGEST: usize = 1000;
    match text.trim() {
        "" => Err("say why, for whoever meets the override next".to_owned()),
        text if text.contains(char::is_control) => {
            Err("must be one line without control characters: it is shown in logs".to_owned())
        }
        text if text.len() > LONGEST => Err(format!("must be at most {LONGEST} bytes")),
        text => Ok(text.to_owned()),
    }
}

/// A moment that names its offset or its zone, in seconds since 1970.
pub fn moment(text: &str) -> Result<i64, String> {
    flagstaff_core::zoned_moment(text).map_err(printable)
}

/// An error that quotes the command line, as one line that steers no terminal.
fn printable(error: impl Display) -> String {
    Printable(error).to_string()
}

/// How long a unit is remembered: not at all, or long enough for a clock that wraps after 16 384
/// windows.
pub fn exposure_window(text: &str) -> Result<Duration, String> {
    let range = Duration::from_secs(1)..=Duration::from_secs(30 * 24 * 60 * 60);
    let window = duration(text)?;
    let error = || "must be from 1s to 30d, or 0s to count every evaluation".to_owned();
    if window.is_zero() || range.contains(&window) { Ok(window) } else { Err(error()) }
}

/// The size of the table of units: one whose places can be told apart by the bits left for that.
pub fn exposure_table(text: &str) -> Result<usize, String> {
    let range = 64..=1 << 30;
    let size = bytes(text).ok().and_then(|size| usize::try_from(size).ok());
    size.filter(|size| range.contains(size)).ok_or_else(|| "must be from 64B to 1GiB".to_owned())
}

/// A size such as `65536`, `512KiB` or `16MiB`.
pub fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let factor = match unit.trim_start() {
        "" | "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    let size = number.parse::<u64>().ok().zip(factor).and_then(|(n, factor)| n.checked_mul(factor));
    size.filter(|size| *size > 0).ok_or_else(|| "write 65536, 512KiB or 16MiB".to_owned())
}

/// A day in UTC, or a moment, in seconds since 1970.
pub fn day(text: &str) -> Result<i64, String> {
    flagstaff_core::moment(text).map_err(printable)
}

/// A number of threads.
pub fn threads(text: &str) -> Result<usize, String> {
    let threads = text.parse().ok().filter(|threads| (1..=1024).contains(threads));
    threads.ok_or_else(|| "must be a number from 1 to 1024".to_owned())
}

/// A file mode in octal, such as `0660`.
pub fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| "write an octal mode such as 0660".to_owned())
}

/// As [`source`], but for a path that is read more than once.
pub fn watched_source(text: &str) -> Result<PathBuf, String> {
    match text.trim() {
        "-" => Err("is standard input, which cannot be read again: name a file".to_owned()),
        _ => source(text),
    }
}

/// A flag file, or a directory of them, or `-`; it may not be there yet. A list may have blanks after
/// its commas; a file whose name really has blanks around it is taken if it is there.
pub fn source(text: &str) -> Result<PathBuf, String> {
    let text = if disk::exists(Path::new(text)) { text } else { text.trim() };
    let path = PathBuf::from(text);
    if FileKind::of(&path) == FileKind::Directory && disk::is_file(&path) {
        return Err("is a file, and a flag file's name ends in .json, .yaml or .yml".to_owned());
    }
    if text.is_empty() { Err("a path cannot be empty".to_owned()) } else { Ok(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_units() {
        let cases = [("1", Some(1)), ("512KiB", Some(524_288)), ("16 MiB", Some(16 << 20))];
        for (text, size) in cases {
            assert_eq!(bytes(text).ok(), size, "{text}");
        }
        for text in ["", "0", "16MB", "-1", "1.5MiB", "99999999999GiB", "MiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_service_link_is_no_port() {
        assert_eq!(port("tcp://10.0.0.1:8013"), Ok(Port::ServiceLink));
        assert_eq!(port("8013"), Ok(Port::Number(8013)));
        assert_eq!(port("off"), Ok(Port::Off));
        for text in ["", "65536", "-1", "http", "8013 "] {
            assert!(port(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_window_is_none_or_long_enough() {
        for text in ["0s", "1s", "30d"] {
            assert!(exposure_window(text).is_ok(), "{text}");
        }
        for text in ["999ms", "1ns", "31d"] {
            assert!(exposure_window(text).is_err(), "{text}");
        }
    }

    #[test]
    fn intervals_are_bounded() {
        assert!(poll_interval("10m").is_ok());
        for text in ["0s", "1ms", "1week", "5"] {
            assert!(poll_interval(text).is_err(), "{text}");
        }
    }
}
