//! `flagstaff override list`: what the directory holds, and what the sidecar makes of it.

use super::{OverrideError, OverridesLocation, sidecar::ServedOverrides};
use crate::{
    overrides::{
        directory::{self, shown},
        override_file::{Override, time},
    },
    report::chain,
};
use flagstaff_core::diagnostic::terminal::Printable;
use humantime::format_duration;
use std::{
    fmt::Write,
    time::{Duration, SystemTime},
};

/// One line: flag, variant, until, how it stands, why.
type Row = [String; 5];

pub(super) async fn list(place: &OverridesLocation) -> Result<String, OverrideError> {
    let (directory, asked) = place.find().await?;
    let listing = directory::list(&directory).map_err(|source| {
        let directory = directory.clone();
        OverrideError::Read { directory, source }
    })?;
    let (mut served, silent) = match asked {
        Ok(status) => (status.overrides, None),
        Err(error) => (Vec::new(), Some(chain(&error))),
    };
    let now = SystemTime::now();
    let mut rows = Vec::new();
    for (name, content) in &listing.files {
        let seen = served.iter().position(|served| served.file.as_deref() == Some(&*shown(name)));
        let seen = seen.map(|place| served.remove(place));
        rows.push(match content {
            Ok(of) => row(of, seen.as_ref(), silent.is_some(), now),
            Err(problem) => {
                ["?", "", "", &format!("{} {problem}", shown(name)), ""].map(str::to_owned)
            }
        });
    }
    // What the sidecar knows beyond this directory, which may be another one than it watches.
    for other in served {
        let text = |text: Option<String>| text.unwrap_or_default();
        let state = if other.active { "active".to_owned() } else { text(other.problem) };
        let flag = other.flag.unwrap_or_else(|| "?".to_owned());
        rows.push([flag, text(other.variant), text(other.until), state, text(other.why)]);
    }
    let mut said = match rows.is_empty() {
        true => format!("no overrides in {}", directory.display()),
        false => table(rows),
    };
    if let Some(why) = silent {
        write!(said, "\nnot confirmed: {why}").unwrap_or_default();
    }
    Ok(said)
}

fn row(of: &Override, seen: Option<&ServedOverrides>, silent: bool, now: SystemTime) -> Row {
    let left = of.until.duration_since(now).ok().filter(|left| !left.is_zero());
    let state = match (left, seen) {
        (None, _) => "ended".to_owned(),
        (Some(left), Some(served)) if served.active => {
            format!("active for {}", format_duration(Duration::from_secs(left.as_secs())))
        }
        (Some(_), Some(served)) => served.problem.clone().unwrap_or_default(),
        (Some(_), None) if silent => "unknown".to_owned(),
        (Some(_), None) => "not seen by the sidecar".to_owned(),
    };
    [of.flag.clone(), of.variant.clone(), time(of.until), state, of.why.clone()]
}

/// Columns as wide as their widest text; the last as it is.
fn table(rows: Vec<Row>) -> String {
    let mut lines = vec![["FLAG", "VARIANT", "UNTIL", "STATE", "WHY"].map(str::to_owned)];
    lines.extend(rows.into_iter().map(|row| row.map(|text| Printable(text).to_string())));
    let mut widths = [0; 5];
    for line in &lines {
        for (width, text) in widths.iter_mut().zip(line) {
            *width = text.chars().count().max(*width);
        }
    }
    let line = |line: &Row| {
        let cells = line.iter().zip(widths).map(|(text, width)| format!("{text:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}
