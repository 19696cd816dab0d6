//! What was counted of single flags, written at each scrape from the ledger.

use super::exposition::Metric;
use crate::metrics::{Metrics, flag_series::Family};

/// Appends the counters of every flag there ever was.
pub(crate) fn write_flag_counters(page: &mut String, metrics: &Metrics) {
    let Metrics { ledger, exposures, .. } = metrics;
    let help = "Answers for one flag; variant is empty when the caller's default applies";
    let mut metric = Metric::counter(page, "flagstaff_flag_evaluations_total", help);
    ledger.each(Family::Evaluations, |flag, series, count| {
        let labels = [("flag", flag), ("variant", &*series.variant), ("reason", series.label)];
        metric.sample(&labels, count);
    });
    let help = "First sights of a flag's variant by a unit within the window";
    let mut metric = Metric::counter(page, "flagstaff_flag_exposures_total", help);
    ledger.each(Family::Exposures, |flag, series, count| {
        let labels = [("flag", flag), ("variant", &*series.variant), ("by", series.label)];
        metric.sample(&labels, count);
    });
    let help = "Answers for a flag inside a bulk reply";
    let mut metric = Metric::counter(page, "flagstaff_flag_bulk_evaluations_total", help);
    ledger.each(Family::Bulk, |flag, _, count| metric.sample(&[("flag", flag)], count));
    let help = "Requests for a flag that ended in an error";
    let mut metric = Metric::counter(page, "flagstaff_flag_errors_total", help);
    ledger.each(Family::Errors, |flag, series, count| {
        metric.sample(&[("flag", flag), ("error", series.label)], count);
    });
    let help = "Evaluations in which a split was reached without a targeting key that is text";
    let mut metric = Metric::counter(page, "flagstaff_flag_missing_targeting_key_total", help);
    ledger.each(Family::MissingTargetingKey, |flag, _, count| {
        metric.sample(&[("flag", flag)], count);
    });
    let help = "Times a unit met a variant that it had met within the window";
    let mut metric = Metric::counter(page, "flagstaff_exposure_duplicates_total", help);
    metric.sample(&[], exposures.duplicates());
    let help = "Units forgotten within the window for want of room; they may be counted twice";
    let mut metric = Metric::counter(page, "flagstaff_exposure_evictions_total", help);
    metric.sample(&[], exposures.evictions());
    let help =
        "Series of flags that were left out because of --metrics-max-series, each counted once";
    let mut metric = Metric::counter(page, "flagstaff_series_dropped_total", help);
    metric.sample(&[], ledger.in_use().dropped);
}
