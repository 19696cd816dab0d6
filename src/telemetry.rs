//! What the process tells about itself: metrics, and log lines.

pub(crate) mod flag_gauges;
pub(crate) mod flag_metrics;
pub(crate) mod logging;
pub(crate) mod metrics;
pub(crate) mod rate_limit;
pub(crate) mod report;
