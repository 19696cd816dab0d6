//! What is counted stays counted, and within its bound.

use super::*;
use crate::metrics::flag_series::FlagError;
use flagstaff_core::{By, Format, Generation, Layer, compile};
use serde_json::{Value as Json, json};

fn flag(key: &str, definition: &Json) -> Arc<Flag> {
    let text = json!({"flags": {key: definition}}).to_string();
    let layer = compile(text.as_bytes(), Format::Json, Generation::V2, &Layer::default());
    let layer = layer.unwrap().layer;
    Arc::clone(layer.flags().next().unwrap().flag())
}

fn targeted(variant: &str) -> Json {
    json!({"state": "ENABLED", "variants": {variant: true, "off": false}, "defaultVariant": "off",
        "targeting": {"if": [{"var": "beta"}, variant]}})
}

/// Every series of the metrics that are always shown, as `flag variant label count`.
#[track_caller]
fn check(ledger: &FlagCounterRegistry, family: Family, expected: &[&str]) {
    let mut told = Vec::new();
    ledger.each(family, |flag, series, count| {
        told.push(format!("{flag} {} {} {count}", series.variant, series.label));
    });
    assert_eq!(told, expected);
}

#[test]
fn what_can_happen_is_there_from_the_start_and_the_rest_once_it_happened() {
    let ledger = FlagCounterRegistry::new(100, false, ShowExposures::All);
    let CounterSet { series, is_shared, .. } = ledger.series_of(&flag("f", &targeted("on")), 0);
    assert!(!is_shared);
    check(&ledger, Family::Evaluations, &["f on targeting_match 0", "f off default 0"]);
    check(&ledger, Family::Exposures, &["f off default 0", "f on rule 0"]);
    check(&ledger, Family::Bulk, &["f   0"]);
    check(&ledger, Family::Errors, &[]);
    check(&ledger, Family::MissingTargetingKey, &[]);
    series.named(1);
    series.exposed(1, By::Split);
    series.failed(FlagError::General);
    check(&ledger, Family::Evaluations, &["f on targeting_match 1", "f off default 0"]);
    check(&ledger, Family::Exposures, &["f off default 0", "f on split 1", "f on rule 0"]);
    check(&ledger, Family::Errors, &["f  general 1"]);
}

#[test]
fn a_flag_that_changes_or_goes_and_comes_back_loses_no_count() {
    let ledger = FlagCounterRegistry::new(100, false, ShowExposures::Evaluated);
    let old = ledger.series_of(&flag("f", &targeted("on")), 0).series;
    old.named(1);
    let new = ledger.series_of(&flag("f", &targeted("renamed")), 0).series;
    new.named(1);
    // A request that began before the change ends after it.
    old.named(1);
    let expected = ["f  default 0", "f off default 0", "f on targeting_match 2"];
    check(&ledger, Family::Evaluations, &[expected[1], expected[2], "f renamed targeting_match 1"]);
    drop((old, new));
    let in_use = ledger.in_use().in_use;
    let back = ledger.series_of(&flag("f", &targeted("on")), 0).series;
    back.named(1);
    assert_eq!(ledger.in_use().in_use, in_use, "nothing new");
    let counts = ["f off default 0", "f on targeting_match 3", "f renamed targeting_match 1"];
    check(&ledger, Family::Evaluations, &counts);
    let totals = ledger.totals();
    assert_eq!(totals["f"].evaluations, [("on".into(), 3), ("renamed".into(), 1)].into());
}

/// How many series are shown of flags that have their own.
fn shown(ledger: &FlagCounterRegistry) -> usize {
    let mut shown = 0;
    for family in [
        Family::Evaluations,
        Family::Exposures,
        Family::Bulk,
        Family::Errors,
        Family::MissingTargetingKey,
    ] {
        ledger.each(family, |flag, _, _| shown += usize::from(flag != OTHER));
    }
    shown
}

#[test]
fn what_can_come_is_charged_before_it_is_there() {
    for exposures in [ShowExposures::All, ShowExposures::Evaluated, ShowExposures::Off] {
        let ledger = FlagCounterRegistry::new(100, false, exposures);
        for number in 0..100 {
            let set = ledger.series_of(&flag(&number.to_string(), &targeted("on")), 0);
            let CounterSet { series, is_shared, .. } = set;
            if is_shared {
                continue;
            }
            series.named(1);
            series.defaulted();
            series.answered_in_bulk();
            FlagError::ALL.into_iter().for_each(|error| series.failed(error));
            if ledger.counts_exposures() {
                series.exposed(0, By::Default);
                series.exposed(1, By::Rule);
            }
        }
        let in_use = ledger.in_use().in_use;
        assert!((90..=100).contains(&in_use), "{exposures:?}: {in_use}");
        assert_eq!(shown(&ledger), in_use, "{exposures:?}");
    }
}

#[test]
fn a_flag_that_changes_again_and_again_is_charged_once() {
    let ledger = FlagCounterRegistry::new(100, false, ShowExposures::Evaluated);
    let changes = ["on", "renamed"].map(|variant| {
        drop(ledger.series_of(&flag("f", &targeted(variant)), 0));
        ledger.in_use().in_use
    });
    assert!(changes[0] < changes[1]);
    for variant in ["on", "renamed", "renamed", "on"] {
        drop(ledger.series_of(&flag("f", &targeted(variant)), 0));
        assert_eq!(ledger.in_use().in_use, changes[1]);
    }
}

#[test]
fn flags_for_which_there_is_no_room_share_one_set() {
    // Two evaluations, two exposures, three errors, and bulk: one flag fits.
    let ledger = FlagCounterRegistry::new(15, false, ShowExposures::All);
    assert!(!ledger.series_of(&flag("a", &targeted("on")), 0).is_shared);
    for key in ["b", "c"] {
        let CounterSet { series, is_shared, .. } = ledger.series_of(&flag(key, &targeted("on")), 0);
        assert!(is_shared);
        series.named(0);
        series.exposed(0, By::Rule);
    }
    let expected = ["(other)  targeting_match 2", "a on targeting_match 0", "a off default 0"];
    check(&ledger, Family::Evaluations, &expected);
    let expected = ["(other)  rule 2", "a off default 0", "a on rule 0"];
    check(&ledger, Family::Exposures, &expected);
    assert_eq!(ledger.in_use(), SeriesInUse { in_use: 8, limit: 15, dropped: 16 });
    // Whoever has a set keeps it.
    assert!(!ledger.series_of(&flag("a", &targeted("on")), 0).is_shared);
}

#[test]
fn flags_that_never_had_a_set_leave_nothing_behind() {
    let ledger = FlagCounterRegistry::new(0, false, ShowExposures::All);
    for number in 0..100 {
        assert!(ledger.series_of(&flag(&number.to_string(), &targeted("on")), 0).left_out > 0);
    }
    assert_eq!(ledger.lock().flags.len(), 0);
    assert_eq!(ledger.lock().others.series.len(), 1);
}

#[test]
fn what_is_left_out_counts_once_however_often_the_flag_changes() {
    let ledger = FlagCounterRegistry::new(8, false, ShowExposures::All);
    assert!(!ledger.series_of(&flag("a", &targeted("on")), 0).is_shared);
    let f = flag("f", &targeted("on"));
    let mut left_out = 0;
    for _ in 0..5 {
        left_out = ledger.series_of(&f, left_out).left_out;
        assert_eq!((left_out, ledger.in_use().dropped), (8, 8));
    }
    // A flag whose set has no room for one variant more shares, with all that it counts from then.
    let grown = json!({"state": "ENABLED", "variants": {"on": true, "off": false, "new": true},
        "defaultVariant": "off", "targeting": {"if": [{"var": "beta"}, "on", "new"]}});
    let grown = ledger.series_of(&flag("a", &grown), 0);
    assert_eq!((grown.is_shared, grown.left_out), (true, 2));
    assert_eq!(ledger.in_use(), SeriesInUse { in_use: 8, limit: 8, dropped: 10 });
}

#[test]
fn an_exact_flag_answers_default() {
    let static_flag = |metadata: &Json| json!({"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "metadata": metadata});
    let ledger = FlagCounterRegistry::new(100, false, ShowExposures::Off);
    ledger.series_of(&flag("f", &static_flag(&json!({}))), 0);
    ledger.series_of(&flag("g", &static_flag(&json!({"exposures": "exact"}))), 0);
    check(&ledger, Family::Evaluations, &["f on static 0", "g on default 0"]);
    check(&ledger, Family::Exposures, &[]);
}
