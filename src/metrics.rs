//! Every metric that is not about one flag: its name, help, labels and handle.
//!
//! Handles are registered once and held; nothing is looked up by name on a request. Label values
//! are closed sets or come from the flag file, never from a request.

mod durations;
pub(crate) mod exposure_table;
pub(crate) mod flag_counter_registry;
pub(crate) mod flag_metrics;
pub(crate) mod flag_series;
mod help;
mod labels;
mod options;
pub(crate) mod rate_limit;
mod results;
pub(crate) mod unknown_flags;

pub use crate::metrics::flag_counter_registry::ShowExposures;
pub use flag_metrics::FlagCounters;
pub(super) use labels::Labels;
pub use options::MetricsOptions;
pub(crate) use results::{Event, Reload};

use super::log_writer::LostLines;
use crate::{
    metrics::{
        exposure_table::ExposureTable, flag_counter_registry::FlagCounterRegistry,
        unknown_flags::UnknownFlagTracker,
    },
    wire::method::Method,
};
use durations::RpcDurations;
use help::describe;
use metrics::{Counter, Gauge};
use metrics_exporter_prometheus::{
    BuildError, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use metrics_process::Collector;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use tonic::Code;

/// From an answer in microseconds to one that waited for its CPU.
const SECONDS: [f64; 12] =
    [5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 5e-2];

/// The handles, and the registry they belong to.
pub struct Metrics {
    recorder: PrometheusRecorder,
    rendered: PrometheusHandle,
    rpcs: Vec<RpcDurations>,
    reloads: [Counter; Reload::ALL.len()],
    events: [Counter; Event::ALL.len()],
    options: MetricsOptions,
    /// What every flag counted.
    pub(crate) ledger: FlagCounterRegistry,
    /// Who met which variant.
    pub(crate) exposures: ExposureTable,
    pub(crate) radar: UnknownFlagTracker,
    unknown_flags: Counter,
    process: Collector,
    log_lines_lost: Option<LostLines>,
    log_lines_dropped: Counter,
    pub(crate) streams_active: Gauge,
    pub(crate) streams_coalesced: Counter,
    /// Open connections of clients.
    pub(crate) connections: Arc<AtomicUsize>,
    /// A client has connected, and none was connected before.
    pub(crate) first_client: Arc<Notify>,
    connections_active: Gauge,
    pub(crate) connections_refused: Counter,
    pub(crate) accept_errors: Counter,
    pub(crate) config: ConfigGauges,
}

/// What is known of the flags in force.
pub(crate) struct ConfigGauges {
    pub(crate) last_reload_successful: Gauge,
    pub(crate) last_reload_success_timestamp: Gauge,
    pub(crate) last_scan_timestamp: Gauge,
    pub(crate) generation: Gauge,
    pub(crate) bytes: Gauge,
    pub(crate) reload_duration: Gauge,
    pub(crate) flags_enabled: Gauge,
    pub(crate) flags_disabled: Gauge,
    pub(crate) quarantined: Gauge,
    pub(crate) overrides_active: Gauge,
    pub(crate) overrides_failing: Gauge,
    pub(crate) watch_inotify: Gauge,
    pub(crate) watch_poll: Gauge,
}

impl Metrics {
    /// Registers everything. The one error is of the exporter's own configuration.
    pub fn register(
        options: &MetricsOptions,
        log_lines_lost: Option<LostLines>,
    ) -> Result<Self, BuildError> {
        let recorder = PrometheusBuilder::new().set_buckets(&SECONDS)?.build_recorder();
        describe(&recorder);
        metrics::with_local_recorder(&recorder, || Collector::default().describe());
        let gauge = |name: &'static str| Labels::new(name).gauge(&recorder);
        let counter = |name: &'static str| Labels::new(name).counter(&recorder);
        let stream = |name: &'static str| Labels::new(name).with("kind", "event_stream");
        let config = ConfigGauges {
            last_reload_successful: gauge("flagstaff_config_last_reload_successful"),
            last_reload_success_timestamp: gauge(
                "flagstaff_config_last_reload_success_timestamp_seconds",
            ),
            last_scan_timestamp: gauge("flagstaff_config_last_scan_timestamp_seconds"),
            generation: gauge("flagstaff_config_generation"),
            bytes: gauge("flagstaff_config_bytes"),
            reload_duration: gauge("flagstaff_config_reload_duration_seconds"),
            flags_enabled: Labels::new("flagstaff_config_flags")
                .with("state", "enabled")
                .gauge(&recorder),
            flags_disabled: Labels::new("flagstaff_config_flags")
                .with("state", "disabled")
                .gauge(&recorder),
            quarantined: gauge("flagstaff_config_quarantined_flags"),
            overrides_active: Labels::new("flagstaff_overrides")
                .with("state", "active")
                .gauge(&recorder),
            overrides_failing: Labels::new("flagstaff_overrides")
                .with("state", "failing")
                .gauge(&recorder),
            watch_inotify: Labels::new("flagstaff_config_watch_mode")
                .with("mode", "inotify")
                .gauge(&recorder),
            watch_poll: Labels::new("flagstaff_config_watch_mode")
                .with("mode", "poll")
                .gauge(&recorder),
        };
        let build = Labels::new("flagstaff_build_info")
            .with("version", env!("CARGO_PKG_VERSION"))
            .with("revision", env!("FLAGSTAFF_REVISION"))
            .with("rustc", env!("FLAGSTAFF_RUSTC"));
        build.gauge(&recorder).set(1.0);
        Ok(Self {
            rpcs: Method::all().map(|method| RpcDurations::new(method, &recorder)).collect(),
            reloads: Reload::ALL.map(|result| {
                let name = "flagstaff_config_reloads_total";
                Labels::new(name).with("result", result.as_str()).counter(&recorder)
            }),
            events: Event::ALL.map(|(_, event)| {
                stream("flagstaff_stream_events_total").with("event", event).counter(&recorder)
            }),
            options: options.clone(),
            ledger: FlagCounterRegistry::new(
                options.max_series,
                options.exact_exposures,
                options.exposures,
            ),
            exposures: ExposureTable::new(options.exposure_table, options.exposure_window),
            unknown_flags: counter("flagstaff_unknown_flag_requests_total"),
            radar: UnknownFlagTracker::default(),
            process: Collector::default(),
            log_lines_lost,
            log_lines_dropped: counter("flagstaff_log_lines_dropped_total"),
            streams_active: stream("flagstaff_streams_active").gauge(&recorder),
            streams_coalesced: stream("flagstaff_stream_coalesced_total").counter(&recorder),
            connections: Arc::default(),
            first_client: Arc::default(),
            connections_active: gauge("flagstaff_connections_active"),
            connections_refused: counter("flagstaff_connections_refused_total"),
            accept_errors: counter("flagstaff_accept_errors_total"),
            config,
            rendered: recorder.handle(),
            recorder,
        })
    }

    /// What the command line says.
    pub(crate) fn options(&self) -> &MetricsOptions {
        &self.options
    }

    /// Everything but what is about single flags, in Prometheus' text format.
    pub(crate) fn render(&self) -> String {
        self.connections_active.set(self.connections.load(Ordering::Relaxed) as f64);
        self.unknown_flags.absolute(self.radar.requests());
        let lost = self.log_lines_lost.as_ref().map_or(0, LostLines::count);
        self.log_lines_dropped.absolute(lost);
        metrics::with_local_recorder(&self.recorder, || self.process.collect());
        self.rendered.render()
    }

    /// Folds recorded durations into their buckets, since they would pile up between scrapes, and
    /// forgets units of long ago.
    pub(crate) fn upkeep(&self) {
        self.rendered.run_upkeep();
        self.exposures.sweep(Instant::now());
    }

    pub(crate) fn rpc(&self, method: Method, code: Code, took: Duration) {
        let Some(rpc) = self.rpcs.get(method.index()) else { return };
        rpc.of(code, &self.recorder).record(took);
    }

    pub(crate) fn reload(&self, result: Reload) {
        let place = Reload::ALL.iter().position(|known| *known == result);
        if let Some(counter) = place.and_then(|place| self.reloads.get(place)) {
            counter.increment(1);
        }
    }

    pub(crate) fn event(&self, event: Event) {
        let place = Event::ALL.iter().position(|(known, _)| *known == event);
        if let Some(counter) = place.and_then(|place| self.events.get(place)) {
            counter.increment(1);
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
