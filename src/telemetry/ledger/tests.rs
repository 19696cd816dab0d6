//! What is counted stays counted, and within its bound.

use super::*;
use crate::flag::{By, Format, Generation, Layer, compile};
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
fn check(ledger: &Ledger, family: Family, expected: &[&str]) {
    let mut told = Vec::new();
    ledger.each(family, |flag, series, count| {
        told.push(format!("{flag} {} {} {count}", series.variant, series.label));
    });
    assert_eq!(told, expected);
}

#[test]
fn what_can_happen_is_there_from_the_start_and_the_rest_once_it_happened() {
    let ledger = Ledger::new(100, false, ShowExposures::All);
    let (series, shared) = ledger.series_of(&flag("f", &targeted("on")));
    assert!(!shared);
    check(&ledger, Family::Evaluations, &["f on targeting_match 0", "f off default 0"]);
    check(&ledger, Family::Exposures, &["f off default 0", "f on rule 0"]);
    check(&ledger, Family::Bulk, &["f   0"]);
    check(&ledger, Family::Errors, &[]);
    check(&ledger, Family::MissingTargetingKey, &[]);
    series.named(1);
    series.exposed(1, By::Split);
    series.failed(crate::telemetry::flag_series::FlagError::General);
    check(&ledger, Family::Evaluations, &["f on targeting_match 1", "f off default 0"]);
    check(&ledger, Family::Exposures, &["f off default 0", "f on split 1", "f on rule 0"]);
    check(&ledger, Family::Errors, &["f  general 1"]);
}

#[test]
fn a_flag_that_changes_or_goes_and_comes_back_loses_no_count() {
    let ledger = Ledger::new(100, false, ShowExposures::Evaluated);
    let old = ledger.series_of(&flag("f", &targeted("on"))).0;
    old.named(1);
    let new = ledger.series_of(&flag("f", &targeted("renamed"))).0;
    new.named(1);
    // A request that began before the change ends after it.
    old.named(1);
    let expected = ["f  default 0", "f off default 0", "f on targeting_match 2"];
    check(&ledger, Family::Evaluations, &[expected[1], expected[2], "f renamed targeting_match 1"]);
    drop((old, new));
    let in_use = ledger.in_use().in_use;
    let back = ledger.series_of(&flag("f", &targeted("on"))).0;
    back.named(1);
    assert_eq!(ledger.in_use().in_use, in_use, "nothing new");
    let counts = ["f off default 0", "f on targeting_match 3", "f renamed targeting_match 1"];
    check(&ledger, Family::Evaluations, &counts);
    let totals = ledger.totals();
    assert_eq!(totals["f"].evaluations, [("on".into(), 3), ("renamed".into(), 1)].into());
}

#[test]
fn flags_for_which_there_is_no_room_share_one_set() {
    // Two evaluations, two exposures, and bulk: one flag fits.
    let ledger = Ledger::new(9, false, ShowExposures::All);
    assert!(!ledger.series_of(&flag("a", &targeted("on"))).1);
    for key in ["b", "c"] {
        let (series, shared) = ledger.series_of(&flag(key, &targeted("on")));
        assert!(shared);
        series.named(0);
        series.exposed(0, By::Rule);
    }
    let expected = ["(other)  targeting_match 2", "a on targeting_match 0", "a off default 0"];
    check(&ledger, Family::Evaluations, &expected);
    let expected = ["(other)  rule 2", "a off default 0", "a on rule 0"];
    check(&ledger, Family::Exposures, &expected);
    assert_eq!(ledger.in_use(), SeriesInUse { in_use: 5, limit: 9, dropped: 10 });
    // Whoever has a set keeps it.
    assert!(!ledger.series_of(&flag("a", &targeted("on"))).1);
}

#[test]
fn an_exact_flag_answers_default() {
    let static_flag = |metadata: &Json| json!({"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "metadata": metadata});
    let ledger = Ledger::new(100, false, ShowExposures::Off);
    ledger.series_of(&flag("f", &static_flag(&json!({}))));
    ledger.series_of(&flag("g", &static_flag(&json!({"exposures": "exact"}))));
    check(&ledger, Family::Evaluations, &["f on static 0", "g on default 0"]);
    check(&ledger, Family::Exposures, &[]);
}
