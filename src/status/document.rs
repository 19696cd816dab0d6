//! The shape of the status, member by member as docs/status.md has it.

use super::traffic::{ExposureStatus, SeriesStatus, Streams, Traffic, UnknownFlags};
use crate::{
    clock::rfc3339,
    files::listing::FileKind,
    lifecycle::Phase,
    metrics::Reload,
    snapshot::SnapshotEntry,
    source::state::{LayerState, SourceState, SourcesState, Watching},
};
use flagstaff_core::{Diagnostic, Facts, LayerFlag, Level, Standing, Variant, merge};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;
use std::{collections::BTreeMap, fmt::Write, time::Duration};

/// Enough to mend any file by; more are only counted by the log.
const MAX_DIAGNOSTICS: usize = 1000;

#[derive(Debug, Serialize)]
pub(super) struct StatusDocument<'a> {
    version: &'static str,
    revision: &'static str,
    uptime_seconds: f64,
    phase: &'static str,
    reason: Option<&'a str>,
    generation: u64,
    digest: Option<String>,
    hash: Option<u64>,
    watch: Option<WatchStatus<'a>>,
    last_scan: Option<String>,
    sources: Vec<SourceStatus<'a>>,
    quarantined: Vec<Quarantined<'a>>,
    overrides_directory: Option<String>,
    overrides: &'a [Json],
    streams: &'a Streams,
    connections: usize,
    exposures: &'a ExposureStatus,
    series: &'a SeriesStatus,
    unknown_flags: &'a UnknownFlags,
    flags: BTreeMap<&'a str, FlagStatus<'a>>,
}

#[derive(Debug, Serialize)]
struct WatchStatus<'a> {
    mode: &'static str,
    refusal: Option<&'a str>,
    poll_interval_seconds: f64,
}

#[derive(Debug, Serialize)]
struct SourceStatus<'a> {
    path: String,
    kind: &'static str,
    applied: bool,
    problem: Option<&'a str>,
    layers: Vec<FileLayer<'a>>,
}

#[derive(Debug, Serialize)]
struct FileLayer<'a> {
    path: String,
    state: &'static str,
    serving: bool,
    bytes: usize,
    flags: usize,
    quarantined: usize,
    last_change: Option<String>,
    cannot_update: Option<&'static str>,
    diagnostics: Vec<Problem<'a>>,
}

#[derive(Debug, Serialize)]
struct Problem<'a> {
    level: &'static str,
    line: Option<usize>,
    column: Option<usize>,
    path: String,
    message: &'a str,
    help: &'a str,
}

#[derive(Debug, Serialize)]
struct Quarantined<'a> {
    flag: &'a str,
    file: String,
    serves: &'static str,
    reasons: Vec<String>,
}

#[derive(Debug, Serialize)]
struct FlagStatus<'a> {
    state: &'static str,
    variants: Vec<&'a str>,
    default: Option<&'a str>,
    /// The file says `killed: true`, whether or not an override decides.
    killed: bool,
    /// The variant that everyone gets.
    serves: Option<&'a str>,
    next_change: Option<NextChangeStatus>,
    file: Option<String>,
    owner: Option<String>,
    kind: Option<String>,
    expires: Option<String>,
    why: Option<String>,
    ticket: Option<String>,
    changed: Option<String>,
    /// Where one split decides.
    split: Option<BTreeMap<&'a str, f64>>,
    /// Without series of its own; what is counted is from before.
    shared: bool,
    evaluations: BTreeMap<&'a str, u64>,
    exposures: BTreeMap<&'a str, BTreeMap<&'static str, u64>>,
}

/// A change that the clock makes.
#[derive(Debug, Serialize)]
struct NextChangeStatus {
    at: String,
    local: String,
    change: String,
}

impl<'a> StatusDocument<'a> {
    pub(super) fn new(
        uptime: Duration,
        phase: &'a Phase,
        state: &'a SourcesState,
        traffic: &'a Traffic,
    ) -> Self {
        let snapshot = state.snapshot.as_deref();
        let served = ServedFlags::of(&state.sources);
        let layers = state.sources.iter().flat_map(|source| &source.layers);
        let entries = snapshot.map_or(&[][..], |snapshot| snapshot.entries());
        let directory = state.overrides_directory.as_ref();
        let (phase, reason) = match phase {
            Phase::Starting(why) => ("starting", Some(why.as_str())),
            Phase::Ready => ("ready", None),
            Phase::Draining => ("draining", Some("draining")),
        };
        Self {
            version: env!("CARGO_PKG_VERSION"),
            revision: env!("FLAGSTAFF_REVISION"),
            uptime_seconds: uptime.as_secs_f64(),
            phase,
            reason,
            generation: snapshot.map_or(0, |snapshot| snapshot.generation()),
            digest: snapshot.map(|snapshot| hex(snapshot.digest())),
            hash: snapshot.map(|snapshot| snapshot.hash48()),
            watch: state.watching.as_ref().map(WatchStatus::of),
            last_scan: state.last_scan.map(|at| rfc3339(at, true)),
            sources: state.sources.iter().map(SourceStatus::of).collect(),
            quarantined: layers.flat_map(|layer| served.quarantined(layer)).collect(),
            overrides_directory: directory.map(|directory| directory.display().to_string()),
            overrides: &state.overrides,
            streams: &traffic.streams,
            connections: traffic.connections,
            exposures: &traffic.exposures,
            series: &traffic.series,
            unknown_flags: &traffic.unknown_flags,
            flags: entries
                .iter()
                .map(|entry| (entry.flag.key(), served.flag(entry, traffic)))
                .collect(),
        }
    }
}

/// Which definition of each key the layers together serve, and the file that it stands in.
struct ServedFlags<'a>(BTreeMap<&'a str, (&'a LayerFlag, String)>);

impl<'a> ServedFlags<'a> {
    fn of(sources: &'a [SourceState]) -> Self {
        let layers = || sources.iter().flat_map(|source| &source.layers);
        let served: BTreeMap<_, _> = merge(layers().map(|layer| &*layer.layer))
            .into_iter()
            .map(|flag| (flag.flag().key(), flag))
            .collect();
        let mut with_files = BTreeMap::new();
        for layer in layers() {
            for flag in layer.layer.flags() {
                let key = flag.flag().key();
                if served.get(key).is_some_and(|served| std::ptr::eq(*served, flag)) {
                    with_files.insert(key, (flag, layer.path.display().to_string()));
                }
            }
        }
        Self(with_files)
    }

    fn flag(&self, entry: &'a SnapshotEntry, traffic: &'a Traffic) -> FlagStatus<'a> {
        let flag = &entry.flag;
        let Facts { owner, kind, expires, why, ticket } = flag.facts();
        let changed = entry.changed_at.map(|at| rfc3339(at, true));
        let counted = traffic.counted.get(flag.key());
        let evaluations = counted.into_iter().flat_map(|counted| &counted.evaluations);
        let exposures = counted.into_iter().flat_map(|counted| &counted.exposures);
        FlagStatus {
            state: if flag.is_disabled() { "disabled" } else { "enabled" },
            variants: flag.variants().iter().map(Variant::name).collect(),
            default: flag.default().map(Variant::name),
            killed: flag.is_killed(),
            serves: flag.serves_everyone(),
            next_change: NextChangeStatus::of(entry),
            file: self.0.get(flag.key()).map(|(_, file)| file.clone()),
            owner,
            kind,
            expires,
            why,
            ticket,
            changed,
            shared: entry.counters.is_shared(),
            split: entry.split.as_ref().map(|split| split.ratios().into_iter().collect()),
            evaluations: evaluations.map(|(variant, count)| (&**variant, *count)).collect(),
            exposures: exposures.map(|(variant, by)| (&**variant, by.clone())).collect(),
        }
    }

    fn quarantined(&self, layer: &'a LayerState) -> impl Iterator<Item = Quarantined<'a>> {
        layer.layer.broken().map(|flag| {
            let key = flag.flag().key();
            let is_served = self.0.get(key).is_some_and(|(served, _)| std::ptr::eq(*served, flag));
            let errors = flag.problems().iter().filter(|problem| problem.level == Level::Error);
            Quarantined {
                flag: key,
                file: layer.path.display().to_string(),
                serves: match flag.standing() {
                    _ if !is_served => "definition of another file",
                    Standing::Broken => "PARSE_ERROR",
                    Standing::SwitchedOff => "its kill",
                    Standing::Good | Standing::Quarantined => "last good definition",
                },
                reasons: errors.map(|error| format!("{}: {}", error.path, error.message)).collect(),
            }
        })
    }
}

impl NextChangeStatus {
    /// `None` if the clock changes nothing, or only after the year 9999.
    fn of(entry: &SnapshotEntry) -> Option<Self> {
        let next = entry.next_change()?;
        Some(Self {
            at: Timestamp::from_second(next.at).ok()?.to_string(),
            local: entry.flag.moment(next.at)?,
            change: next.words,
        })
    }
}

impl<'a> WatchStatus<'a> {
    fn of(watching: &'a Watching) -> Self {
        Self {
            mode: watching.mode.as_str(),
            refusal: watching.refusal.as_deref(),
            poll_interval_seconds: watching.poll_interval.as_secs_f64(),
        }
    }
}

impl<'a> SourceStatus<'a> {
    fn of(source: &'a SourceState) -> Self {
        Self {
            path: source.path.display().to_string(),
            kind: match source.kind {
                FileKind::File => "file",
                FileKind::Directory => "directory",
            },
            applied: source.applied,
            problem: source.problem.as_deref(),
            layers: source.layers.iter().map(FileLayer::of).collect(),
        }
    }
}

impl<'a> FileLayer<'a> {
    fn of(layer: &'a LayerState) -> Self {
        let change = layer.last_change.map(|at| rfc3339(at, true));
        Self {
            path: layer.path.display().to_string(),
            state: layer.last.map_or("pending", Reload::as_str),
            serving: layer.applied,
            bytes: layer.bytes,
            flags: layer.layer.flags().count(),
            quarantined: layer.layer.broken().count(),
            last_change: change,
            cannot_update: layer.cannot_update,
            diagnostics: layer.problems.iter().take(MAX_DIAGNOSTICS).map(Problem::of).collect(),
        }
    }
}

impl<'a> Problem<'a> {
    fn of(problem: &'a Diagnostic) -> Self {
        // What concerns the whole file has no place in it.
        let place = |number: usize| (number > 0).then_some(number);
        Self {
            level: problem.level.as_str(),
            line: place(problem.position.line),
            column: place(problem.position.column),
            path: problem.path.to_string(),
            message: &problem.message,
            help: &problem.help,
        }
    }
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}
