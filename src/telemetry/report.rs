//! What an operator is told of the flags in force: fields for a log, a line for a person.

use super::logging::Audience;
use crate::snapshot::{Changes, Snapshot};
use std::{
    error::Error,
    fmt::Write as _,
    io::{Write as _, stderr},
    time::Duration,
};
use tracing::{Level, enabled, info};

/// An error and what caused it, outermost first: `a: b: c`.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Writes plain lines for a person; whoever closed the terminal does not want them.
pub(crate) fn say(text: &str) {
    if enabled!(Level::INFO) {
        writeln!(stderr(), "{text}").unwrap_or_default();
    }
}

/// Tells that a snapshot is in force.
pub(crate) fn published(
    audience: Audience,
    snapshot: &Snapshot,
    quarantined: usize,
    took: Duration,
    streams: usize,
) {
    let changes = snapshot.changes();
    let generation = snapshot.generation();
    if audience == Audience::Person {
        // The first one is part of the greeting.
        if generation > 1 {
            say(&line(generation, changes, took, streams));
        }
        return;
    }
    info!(
        generation,
        digest = short(snapshot),
        flags = snapshot.entries().len(),
        added = changes.added.len(),
        changed = changes.updated.len(),
        removed = changes.removed.len(),
        quarantined,
        duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        streams,
        "flags applied"
    );
}

/// The digest as people compare it.
fn short(snapshot: &Snapshot) -> String {
    format!("{:012x}", snapshot.hash48())
}

/// `generation 7 · enable_new_pricing_page: on 5% → 25% · 9 ms · 3 streams told`
fn line(generation: u64, changes: &Changes, took: Duration, streams: usize) -> String {
    const SHOWN: usize = 3;
    let updated = changes.updated.iter().map(|(key, change)| format!("{key}: {change}"));
    let added = changes.added.iter().map(|key| format!("{key}: added"));
    let removed = changes.removed.iter().map(|key| format!("{key}: removed"));
    let all: Vec<_> = updated.chain(added).chain(removed).collect();
    let mut line = format!("generation {generation}");
    let mut add = |part: &str| write!(line, " · {part}").unwrap_or_default();
    for change in all.iter().take(SHOWN) {
        add(change);
    }
    if all.len() > SHOWN {
        add(&format!("and {} more", all.len() - SHOWN));
    }
    add(&format!("{} ms", took.as_millis()));
    add(&format!("{streams} {} told", if streams == 1 { "stream" } else { "streams" }));
    line
}
