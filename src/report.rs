//! What an operator is told of the flags in force: fields for a log, a line for a person.

pub(crate) mod change_line;
pub(crate) mod exposition;
pub(crate) mod flag_counters;
pub(crate) mod flag_gauges;
pub(crate) mod logging;
pub(crate) mod totals;

use crate::{
    report::{
        change_line::{Clients, changes_of, line},
        logging::{Audience, PLAIN},
    },
    snapshot::Snapshot,
};
use flagstaff_core::{Diagnostic, Level};
use std::{
    collections::BTreeMap,
    error::Error,
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
    time::Duration,
};
use tracing::{info, warn};

/// An error and what caused it, outermost first: `a: b: c`, and what to do if the system is short of
/// something.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut remedy = error.downcast_ref().and_then(remedy);
    let mut is_of_watching = false;
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        remedy = error.downcast_ref().and_then(self::remedy).or(remedy);
        // The kernel has other limits for watches, under the same numbers.
        is_of_watching |= error.is::<notify::Error>();
        cause = error.source();
    }
    match remedy {
        Some(remedy) if !is_of_watching => format!("{text}; {remedy}"),
        _ => text,
    }
}

/// What an operator can do about an error of the system.
fn remedy(error: &io::Error) -> Option<&'static str> {
    // EMFILE and ENFILE have no kinds of their own.
    match (error.raw_os_error(), error.kind()) {
        (Some(24), _) => Some("this process may open too few files: raise the limit (ulimit -n)"),
        (Some(23), _) => Some("the machine may open too few files: raise fs.file-max"),
        (_, io::ErrorKind::StorageFull) => Some("free some space on that disk"),
        (_, io::ErrorKind::QuotaExceeded) => Some("the user's quota is used up: free some space"),
        (_, io::ErrorKind::ReadOnlyFilesystem) => Some("mount that directory read-write"),
        _ => None,
    }
}

/// Writes a plain line for a person.
pub(crate) fn say(text: &str) {
    info!(target: PLAIN, "{text}");
}

/// Tells an operator what became of the flag files, as lines or as fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OperatorLog(pub(crate) Audience);

/// What is told of a snapshot.
#[derive(Debug)]
pub(crate) struct Publication<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) quarantined: usize,
    pub(crate) took: Duration,
    pub(crate) clients: Clients,
    /// The first snapshot of a start is part of the greeting.
    pub(crate) greeted: bool,
}

/// A log line names at most this many problems.
const MAX_SHOWN: usize = 50;

/// A log line names at most this many flags without series.
const MAX_NAMED: usize = 5;

impl OperatorLog {
    /// A snapshot is in force.
    pub(crate) fn published(self, publication: &Publication<'_>) {
        let Publication { snapshot, quarantined, took, clients, greeted } = *publication;
        let changes = snapshot.changes();
        let generation = snapshot.generation();
        if self.0 == Audience::Person {
            if greeted {
                say(&line(snapshot, took, clients));
            }
            return;
        }
        let told = changes_of(snapshot, MAX_SHOWN).join("; ");
        info!(
            generation,
            digest = short(snapshot),
            flags = snapshot.entries().len(),
            added = changes.added.len(),
            changed = changes.updated.len(),
            removed = changes.removed.len(),
            changes = told,
            by_clock = changes.by_clock,
            quarantined,
            duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            streams = clients.streams,
            "flags applied"
        );
    }

    /// Some flags of a snapshot have no series of their own, which those before it had, if any.
    pub(crate) fn without_series(self, snapshot: &Snapshot, previous: Option<&Snapshot>) {
        let shared_before = |key| {
            let before = previous.and_then(|previous| previous.entry(key));
            before.is_some_and(|before| before.counters.is_shared())
        };
        let shared = snapshot.entries().iter().filter(|entry| entry.counters.is_shared());
        let new = shared.map(|entry| entry.flag.key()).filter(|key| !shared_before(key));
        let new: Vec<_> = new.collect();
        if new.is_empty() {
            return;
        }
        let (flags, mut named) =
            (new.len(), new.into_iter().take(MAX_NAMED).collect::<Vec<_>>().join(", "));
        if flags > MAX_NAMED {
            write!(named, " and {} more", flags - MAX_NAMED).unwrap_or_default();
        }
        let help = "raise --metrics-max-series";
        match self.0 {
            Audience::Person => say(&format!("counted together, as (other): {named}; {help}")),
            Audience::Machine => {
                warn!(flags, named, help, "flags without room for series are counted together");
            }
        }
    }

    /// A file cannot be read.
    pub(crate) fn unreadable(self, path: &Path, why: &str, applied: bool) {
        let outcome =
            if applied { "its last good flags stay in force" } else { "no flags from it yet" };
        match self.0 {
            Audience::Person => say(&format!("{}: {why}; {outcome}", path.display())),
            Audience::Machine => {
                warn!(path = %path.display(), why, outcome, "cannot read the flag file");
            }
        }
    }

    /// A file has problems; all of them are named, so that none has to be found one reload at a
    /// time.
    pub(crate) fn problems(self, path: &Path, problems: &[Diagnostic], outcome: &str) {
        let problems: Vec<_> = problems.iter().filter(|found| found.level > Level::Note).collect();
        let errors = problems.iter().filter(|problem| problem.level == Level::Error).count();
        let warnings = problems.len() - errors;
        if problems.is_empty() {
            return;
        }
        let path = path.display();
        if self.0 == Audience::Person {
            for problem in problems {
                say(&format!("{path}:{problem}"));
            }
            if errors > 0 {
                say(&format!("{path}: {outcome}"));
            }
            return;
        }
        let shown: Vec<_> = problems.iter().take(MAX_SHOWN).map(ToString::to_string).collect();
        let mut shown = shown.join("; ");
        if problems.len() > MAX_SHOWN {
            // Writing to a string cannot fail.
            write!(shown, "; and {} more", problems.len() - MAX_SHOWN).unwrap_or_default();
        }
        warn!(%path, errors, warnings, problems = shown, outcome, "the flag file has problems");
    }

    /// New content of a file lost too much to be served before it has stayed the same.
    pub(crate) fn held(self, path: &Path, why: &str, outcome: &str) {
        match self.0 {
            Audience::Person => say(&format!("{}: {why}; {outcome}", path.display())),
            Audience::Machine => {
                warn!(path = %path.display(), why, outcome, "the flag file may be half written");
            }
        }
    }

    /// A directory of flag files cannot be listed.
    pub(crate) fn unlistable(self, path: &Path, why: &str, known: bool) {
        let outcome = if known { "its last flags stay in force" } else { "no flags from it yet" };
        match self.0 {
            Audience::Person => say(&format!("{}: {why}; {outcome}", path.display())),
            Audience::Machine => {
                warn!(path = %path.display(), why, outcome, "cannot list the flag files");
            }
        }
    }

    /// A directory that could not be listed can be again.
    pub(crate) fn listed_again(self, path: &Path, files: usize) {
        match self.0 {
            Audience::Person => say(&format!("{} is there again", path.display())),
            Audience::Machine => {
                info!(path = %path.display(), files, "the flag files can be listed again");
            }
        }
    }

    /// A file has gone from its directory, and its flags with it.
    pub(crate) fn gone(self, path: &Path, flags: usize) {
        match self.0 {
            Audience::Person => say(&format!("{} is gone · {flags} flags", path.display())),
            Audience::Machine => info!(path = %path.display(), flags, "the flag file is gone"),
        }
    }

    /// A flag file of a directory has another name.
    pub(crate) fn renamed(self, from: &Path, to: &Path) {
        let (from, to) = (from.display(), to.display());
        match self.0 {
            Audience::Person => say(&format!("{from} is now {to}")),
            Audience::Machine => info!(%from, %to, "a flag file was renamed"),
        }
    }

    /// A file will never show an update.
    pub(crate) fn cannot_update(self, path: &Path, why: &str) {
        match self.0 {
            Audience::Person => say(&format!("{}: {why}", path.display())),
            Audience::Machine => {
                warn!(path = %path.display(), why, "the flag file can never be updated");
            }
        }
    }

    /// Flags are defined by two files of one directory, for each pair of which the second wins.
    pub(crate) fn shadowed(
        self,
        directory: &Path,
        pairs: &BTreeMap<(PathBuf, PathBuf), Vec<Box<str>>>,
    ) {
        if pairs.is_empty() {
            return;
        }
        let name = |path: &Path| path.file_name().unwrap_or_default().display().to_string();
        let told = pairs.iter().map(|((lower, upper), keys)| {
            let more = keys.len().saturating_sub(MAX_SHOWN);
            let mut told =
                keys.iter().take(MAX_SHOWN).map(|key| &**key).collect::<Vec<_>>().join(", ");
            if more > 0 {
                write!(told, " and {more} more").unwrap_or_default();
            }
            format!("{told} ({} and {}, which wins)", name(lower), name(upper))
        });
        let flags = told.collect::<Vec<_>>().join("; ");
        let path = directory.display();
        match self.0 {
            Audience::Person => say(&format!("{path}: defined twice: {flags}")),
            Audience::Machine => {
                warn!(%path, flags, "files of one directory define the same flags");
            }
        }
    }

    /// Ready although not every source was applied.
    pub(crate) fn without_flags(self, why: &str) {
        let outcome = "clients use the defaults in their code for flags that are not there";
        match self.0 {
            Audience::Person => say(&format!("{why}; {outcome}")),
            Audience::Machine => warn!(why, outcome, "serving without all flags"),
        }
    }

    /// A file that had problems has none any more.
    pub(crate) fn good_again(self, path: &Path, flags: usize) {
        match self.0 {
            Audience::Person => say(&format!("{} is good again · {flags} flags", path.display())),
            Audience::Machine => {
                info!(path = %path.display(), flags, "the flag file is good again");
            }
        }
    }
}

/// The digest as people compare it.
fn short(snapshot: &Snapshot) -> String {
    format!("{:012x}", snapshot.hash48())
}
