//! What is true of single flags, written at each scrape from the snapshot in force: in a registry,
//! what once was true of a flag would stay for ever.

use super::exposition::Metric;
use crate::snapshot::{Snapshot, SnapshotEntry};
use flagstaff_core::{Facts, Flag, Split};
use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

/// Appends the gauges of every flag, and what they come to.
pub(crate) fn write_flag_gauges(page: &mut String, snapshot: Option<&Snapshot>) {
    let entries = snapshot.map_or(&[][..], |snapshot| snapshot.entries());
    let facts: Vec<(&Flag, Facts)> =
        entries.iter().map(|entry| (&*entry.flag, entry.flag.facts())).collect();
    write_facts(page, &facts);
    write_ratios(page, entries);
    write_changes(page, entries);
    let help =
        "First 48 bits of the SHA-256 of the definitions in force; absent before there are any";
    let mut metric = Metric::gauge(page, "flagstaff_config_hash", help);
    // A pod without flags has no other flags than those it is compared with.
    snapshot.iter().for_each(|snapshot| metric.sample(&[], snapshot.hash48()));
    let help = "Series of flags for which there is no room within --metrics-max-series";
    let mut metric = Metric::gauge(page, "flagstaff_series_over_limit", help);
    metric.sample(&[], snapshot.map_or(0, |snapshot| snapshot.series_over_limit()));
    let help = "Whether an override decides, and no file";
    let mut metric = Metric::gauge(page, "flagstaff_flag_override_active", help);
    for entry in entries.iter().filter(|entry| entry.flag.is_overridden()) {
        metric.sample(&[("flag", entry.flag.key())], 1);
    }
    let help = "1 for each flag whose file says `killed: true`, even under an override";
    let mut metric = Metric::gauge(page, "flagstaff_flag_killed", help);
    for entry in entries.iter().filter(|entry| entry.flag.is_killed()) {
        metric.sample(&[("flag", entry.flag.key())], 1);
    }
}

fn write_facts(page: &mut String, facts: &[(&Flag, Facts)]) {
    let help = "Who owns a flag, what kind it is and when it must go, as its metadata says";
    let mut metric = Metric::gauge(page, "flagstaff_flag_info", help);
    for (flag, facts) in facts {
        let [owner, kind, expires] = [&facts.owner, &facts.kind, &facts.expires]
            .map(|fact| fact.as_deref().unwrap_or_default());
        let labels = [("flag", flag.key()), ("owner", owner), ("kind", kind), ("expires", expires)];
        metric.sample(&labels, 1);
    }
    let help = "When a flag must go: the beginning of that day, if its metadata names a day";
    let mut metric = Metric::gauge(page, "flagstaff_flag_expires_timestamp_seconds", help);
    for (flag, facts) in facts {
        if let Some(time) = facts.expires.as_deref().and_then(timestamp) {
            metric.sample(&[("flag", flag.key())], time);
        }
    }
}

/// A day or a moment, in Unix seconds, as `check` reads it.
fn timestamp(text: &str) -> Option<u64> {
    u64::try_from(flagstaff_core::moment(text).ok()?).ok()
}

fn write_ratios(page: &mut String, entries: &[Arc<SnapshotEntry>]) {
    let help = "The share of units that one split gives a variant now, where one split decides";
    let mut metric = Metric::gauge(page, "flagstaff_flag_configured_ratio", help);
    for entry in entries {
        for (variant, ratio) in entry.split.iter().flat_map(Split::ratios) {
            metric.sample(&[("flag", entry.flag.key()), ("variant", variant)], ratio);
        }
    }
}

fn write_changes(page: &mut String, entries: &[Arc<SnapshotEntry>]) {
    let help = "When a flag last changed; absent until a change was seen";
    let mut metric = Metric::gauge(page, "flagstaff_flag_changed_timestamp_seconds", help);
    for entry in entries {
        if let Some(changed) = entry.changed_at {
            metric.sample(&[("flag", entry.flag.key())], seconds(changed));
        }
    }
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_day_or_a_moment() {
        assert_eq!(timestamp("2027-06-30"), Some(1_814_313_600));
        assert_eq!(timestamp("2027-06-30T12:00:00Z"), Some(1_814_313_600 + 43_200));
        assert_eq!(timestamp("2027-06-30 12:00:00"), Some(1_814_313_600 + 43_200));
        assert_eq!(timestamp("2027-06-30T14:00:00+02:00"), Some(1_814_313_600 + 43_200));
        assert_eq!(timestamp("2027-06-30T14:00[Europe/Berlin]"), Some(1_814_313_600 + 43_200));
        assert_eq!(timestamp("9999-12-31"), Some(253_402_214_400));
        for text in ["", "soon", "30.06.2027", "2027-13-01"] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }
}
