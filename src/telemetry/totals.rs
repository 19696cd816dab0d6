//! Lines about traffic as a whole: what was asked for in vain, and what a life came to.

use super::{logging::Audience, metrics::Metrics};
use crate::{flag::nearest, snapshot::Snapshot};
use serde_json::{Map, Value as Json, json};
use tracing::{info, warn};

/// A line names at most this many flags that nobody defined.
const MAX_UNKNOWN: usize = 5;

/// The last line has at most this many flags.
const MAX_FLAGS: usize = 1000;

/// A key that was asked for in vain: how often, and the key of the flag that may be meant.
pub(crate) struct Unknown<'a> {
    pub(crate) key: Box<str>,
    pub(crate) requests: u64,
    pub(crate) nearest: Option<&'a str>,
}

/// What was asked for most in vain. Compares with every flag, so it is not for a request.
pub(crate) fn unknown<'a>(
    metrics: &Metrics,
    snapshot: Option<&'a Snapshot>,
    most: usize,
) -> Vec<Unknown<'a>> {
    let entries = snapshot.map_or(&[][..], |snapshot| snapshot.entries());
    let known = || entries.iter().map(|entry| entry.flag.key());
    let top = metrics.radar.top(most).into_iter();
    top.map(|(key, requests)| Unknown { nearest: nearest(&key, known()), key, requests }).collect()
}

/// Warns of flags that are asked for and that nobody defined.
pub(crate) fn warn_of_unknown(metrics: &Metrics, snapshot: Option<&Snapshot>) {
    // Before looking, so that what comes meanwhile is told next time.
    let requests = metrics.radar.tell();
    let told = unknown(metrics, snapshot, MAX_UNKNOWN);
    let told = told.iter().map(|Unknown { key, requests, nearest }| match nearest {
        Some(nearest) => format!("{key} ({requests}, did you mean {nearest}?)"),
        None => format!("{key} ({requests})"),
    });
    let flags = told.collect::<Vec<_>>().join(", ");
    warn!(flags, requests, "flags that nobody defined were asked for");
}

/// Tells what was counted, so that what happened since the last scrape is not lost.
pub(crate) fn tell_totals(metrics: &Metrics, audience: Audience) {
    let totals = metrics.ledger.totals();
    let of_flag = |flag: &super::ledger::FlagTotals| -> (u64, u64) {
        let exposures = flag.exposures.values().flat_map(|by| by.values());
        (flag.evaluations.values().sum(), exposures.sum())
    };
    let sums = totals.values().map(of_flag).fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
    let (evaluations, exposures) = sums;
    let unknown_flag_requests = metrics.radar.requests();
    if audience == Audience::Person {
        info!(evaluations, exposures, unknown_flag_requests, "totals");
        return;
    }
    let by_flag: Map<String, Json> = totals
        .iter()
        .take(MAX_FLAGS)
        .map(|(key, flag)| {
            let counts = json!({"evaluations": flag.evaluations, "exposures": flag.exposures});
            (key.to_string(), counts)
        })
        .collect();
    let by_flag = Json::Object(by_flag).to_string();
    info!(evaluations, exposures, unknown_flag_requests, by_flag, "totals");
}
