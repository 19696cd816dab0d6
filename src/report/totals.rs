//! Lines about traffic as a whole: what was asked for in vain, and what a life came to.

use super::logging::Audience;
use crate::{
    metrics::{Metrics, flag_counter_registry::FlagTotals},
    report::say,
    snapshot::Snapshot,
};
use flagstaff_core::nearest;
use serde_json::{Value as Json, json};
use std::{cmp::Reverse, collections::BTreeMap};
use tracing::{info, warn};

/// A line names at most this many flags that nobody defined.
const MAX_UNKNOWN: usize = 5;

/// So many of the busiest flags are told with what they counted.
const MAX_FLAGS: usize = 1000;

/// And so many to a person.
const MAX_FLAGS_OF_A_PERSON: usize = 20;

/// What flags take of a line. Container runtimes split lines of 16 KiB.
const MAX_LINE: usize = 12 << 10;

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

/// A flag that was asked for, and what that came to: evaluations and exposures.
type Busy<'a> = (&'a str, &'a FlagTotals, (u64, u64));

/// Tells what was counted, so that what happened since the last scrape is not lost.
pub(crate) fn tell_totals(metrics: &Metrics, audience: Audience) {
    let totals = metrics.ledger.totals();
    let busiest = busiest(&totals);
    let sum = |of: fn(&(u64, u64)) -> u64| -> u64 { busiest.iter().map(|busy| of(&busy.2)).sum() };
    let (evaluations, exposures) = (sum(|counts| counts.0), sum(|counts| counts.1));
    let unknown_flag_requests = metrics.radar.requests();
    let flags = busiest.len();
    if audience == Audience::Person {
        for (key, _, (evaluations, exposures)) in busiest.iter().take(MAX_FLAGS_OF_A_PERSON) {
            say(&format!("{key}: evaluations {evaluations}, exposures {exposures}"));
        }
        let flags_not_named = flags.saturating_sub(MAX_FLAGS_OF_A_PERSON);
        info!(evaluations, exposures, unknown_flag_requests, flags, flags_not_named, "totals");
        return;
    }
    let (mut lines, named) = lines(&busiest);
    let by_flag = lines.pop().unwrap_or_default();
    for by_flag in lines {
        info!(by_flag, "totals of the busiest flags");
    }
    let flags_not_named = flags - named;
    info!(evaluations, exposures, unknown_flag_requests, flags, flags_not_named, by_flag, "totals");
}

/// The flags by how often they were asked for, most first.
fn busiest(totals: &BTreeMap<Box<str>, FlagTotals>) -> Vec<Busy<'_>> {
    let counts = |of: &FlagTotals| -> (u64, u64) {
        let exposures = of.exposures.values().flat_map(|by| by.values());
        (of.evaluations.values().sum(), exposures.sum())
    };
    let mut busiest: Vec<_> = totals.iter().map(|(key, of)| (&**key, of, counts(of))).collect();
    busiest.sort_by_key(|(_, _, counts)| Reverse(*counts));
    busiest
}

/// What each flag counted, as JSON objects none of which is too long for a line, one at least; and
/// how many flags are in them.
fn lines(busiest: &[Busy<'_>]) -> (Vec<String>, usize) {
    let (mut lines, mut line, mut length, mut named) = (Vec::new(), String::from("{"), 0, 0);
    for (key, of, (evaluations, exposures)) in busiest.iter().take(MAX_FLAGS) {
        let key = Json::from(*key);
        let in_full = json!({"evaluations": of.evaluations, "exposures": of.exposures});
        // A flag may have thousands of variants.
        let in_short = json!({"evaluations": evaluations, "exposures": exposures});
        let told = [in_full, in_short].map(|counts| format!("{key}:{counts}"));
        let Some((size, told)) = told
            .into_iter()
            .map(|told| (length_in_a_line(&told), told))
            .find(|(size, _)| *size <= MAX_LINE)
        else {
            continue;
        };
        if length + size > MAX_LINE {
            lines.push(std::mem::replace(&mut line, String::from("{")) + "}");
            length = 0;
        }
        if length > 0 {
            line.push(',');
        }
        line.push_str(&told);
        length += size + 1;
        named += 1;
    }
    lines.push(line + "}");
    (lines, named)
}

/// How long JSON is when it is a text of JSON itself.
fn length_in_a_line(json: &str) -> usize {
    json.len() + json.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;

    fn totals(count: u64) -> FlagTotals {
        let exposures = [("on".into(), [("rule", count)].into())].into();
        FlagTotals { evaluations: [("on".into(), count)].into(), exposures }
    }

    #[test]
    fn the_busiest_come_first_and_no_line_is_too_long() {
        let mut all: BTreeMap<Box<str>, FlagTotals> = BTreeMap::new();
        for number in 1..=2000_u64 {
            all.insert(format!("flag \"{number}\"").into(), totals(number));
        }
        // What fits into no line, or only in short.
        all.insert("long".repeat(10_000).into(), totals(9000));
        let variants = (0..5000).map(|variant| (format!("{variant}").into(), 1));
        all.insert("many".into(), FlagTotals { evaluations: variants.collect(), ..totals(1) });
        let (lines, named) = lines(&busiest(&all));
        assert_eq!(named, MAX_FLAGS - 1);
        let mut told = Vec::new();
        for line in lines {
            assert!(Json::from(&*line).to_string().len() < MAX_LINE + 10, "{}", line.len());
            let line: Map<String, Json> = serde_json::from_str(&line).unwrap();
            assert!(!line.is_empty());
            told.extend(line);
        }
        assert_eq!(told.len(), named);
        let of = |key: &str| told.iter().find(|(told, _)| told == key).map(|(_, counts)| counts);
        assert_eq!(of("many"), Some(&json!({"evaluations": 5000, "exposures": 1})));
        assert!(of("flag \"2000\"").is_some() && of("flag \"1003\"").is_some());
        assert!(of("flag \"1002\"").is_none());
    }

    #[test]
    fn nothing_is_an_object_too() {
        assert_eq!(lines(&[]), (vec!["{}".to_owned()], 0));
    }
}
