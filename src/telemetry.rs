//! What the process tells about itself: metrics, and log lines.

pub(crate) mod change_line;
mod exposition;
pub(crate) mod exposures;
pub(crate) mod flag_counters;
pub(crate) mod flag_gauges;
pub(crate) mod flag_metrics;
pub(crate) mod flag_series;
pub(crate) mod ledger;
pub(crate) mod log_writer;
pub(crate) mod logging;
pub(crate) mod metrics;
pub(crate) mod radar;
pub(crate) mod rate_limit;
pub(crate) mod report;
pub(crate) mod totals;

pub use flag_metrics::FlagCounters;
pub use ledger::ShowExposures;
pub use metrics::{Metrics, MetricsOptions};
