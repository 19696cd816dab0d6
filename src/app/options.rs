//! What the sidecar is told to do, whoever reads it from a command line.

use crate::{metrics::MetricsOptions, server::listener::Endpoint, source::SourceOptions};
use std::{path::PathBuf, time::Duration};

/// What the options come to.
#[derive(Debug)]
pub(crate) struct ServeOptions {
    pub(crate) source: SourceOptions,
    pub(crate) evaluation: Vec<Endpoint>,
    pub(crate) uds: Option<(PathBuf, u32)>,
    pub(crate) management: Option<Endpoint>,
    pub(crate) metrics: MetricsOptions,
    pub(crate) worker_threads: usize,
    pub(crate) drain_delay: Duration,
}
