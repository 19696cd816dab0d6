//! What the command line says of metrics.

use crate::metrics::flag_counter_registry::ShowExposures;
use std::time::Duration;

/// What is counted of flags, and how long it is remembered.
#[derive(Debug, Clone)]
pub struct MetricsOptions {
    /// Series of single flags that may exist.
    pub max_series: usize,
    /// Which exposures are counted, and from when they are shown.
    pub exposures: ShowExposures,
    /// After this time a unit counts again; 0 counts every evaluation.
    pub exposure_window: Duration,
    /// Bytes for the units that were counted.
    pub exposure_table: usize,
    /// Answers of static flags say DEFAULT, which clients do not cache.
    pub exact_exposures: bool,
}

impl Default for MetricsOptions {
    /// As the command line has it.
    fn default() -> Self {
        Self {
            max_series: 10_000,
            exposures: ShowExposures::All,
            exposure_window: Duration::from_secs(3600),
            exposure_table: 2 << 20,
            exact_exposures: false,
        }
    }
}
