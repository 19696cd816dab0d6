//! What clients did so far, in the shape of the status.

use crate::{
    metrics::{
        Metrics,
        flag_counter_registry::{FlagTotals, ShowExposures},
    },
    report::totals::unknown,
    snapshot::Snapshot,
    store::Store,
};
use serde::Serialize;
use std::{collections::BTreeMap, sync::atomic::Ordering};

/// The status names at most this many flags that nobody defined.
const MAX_UNKNOWN: usize = 20;

/// What clients did.
#[derive(Debug)]
pub(super) struct Traffic {
    pub(super) streams: Streams,
    pub(super) connections: usize,
    pub(super) exposures: ExposureStatus,
    pub(super) series: SeriesStatus,
    pub(super) unknown_flags: UnknownFlags,
    pub(super) counted: BTreeMap<Box<str>, FlagTotals>,
}

#[derive(Debug, Serialize)]
pub(super) struct Streams {
    event_stream: usize,
}

#[derive(Debug, Serialize)]
pub(super) struct ExposureStatus {
    mode: &'static str,
    window_seconds: f64,
    table_bytes: usize,
    duplicates: u64,
    evictions: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct SeriesStatus {
    in_use: usize,
    limit: usize,
    over_limit: usize,
    dropped: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct UnknownFlags {
    requests: u64,
    top: Vec<UnknownFlag>,
}

#[derive(Debug, Serialize)]
struct UnknownFlag {
    key: Box<str>,
    requests: u64,
    nearest: Option<String>,
}

impl Traffic {
    pub(super) fn of(metrics: &Metrics, store: &Store, snapshot: Option<&Snapshot>) -> Self {
        let options = metrics.options();
        let in_use = metrics.ledger.in_use();
        let top = unknown(metrics, snapshot, MAX_UNKNOWN).into_iter();
        Self {
            streams: Streams { event_stream: store.subscribers() },
            connections: metrics.connections.load(Ordering::Relaxed),
            exposures: ExposureStatus {
                mode: match options.exposures {
                    ShowExposures::All => "all",
                    ShowExposures::Evaluated => "evaluated",
                    ShowExposures::Off => "off",
                },
                window_seconds: options.exposure_window.as_secs_f64(),
                table_bytes: options.exposure_table,
                duplicates: metrics.exposures.duplicates(),
                evictions: metrics.exposures.evictions(),
            },
            series: SeriesStatus {
                in_use: in_use.in_use,
                limit: in_use.limit,
                over_limit: snapshot.map_or(0, |snapshot| snapshot.series_over_limit()),
                dropped: in_use.dropped,
            },
            unknown_flags: UnknownFlags {
                requests: metrics.radar.requests(),
                top: top
                    .map(|unknown| UnknownFlag {
                        key: unknown.key,
                        requests: unknown.requests,
                        nearest: unknown.nearest.map(str::to_owned),
                    })
                    .collect(),
            },
            counted: metrics.ledger.totals(),
        }
    }
}
