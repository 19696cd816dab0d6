//! Every metric that is not about one flag: its name, help, labels and handle.
//!
//! Handles are registered once and held; nothing is looked up by name on a request. Label values
//! are closed sets or come from the flag file, never from a request.

use super::{
    exposures::Exposures,
    ledger::{Ledger, ShowExposures},
    log_writer::LostLines,
    radar::Radar,
};
use crate::rpc::Method;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{
    BuildError, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use metrics_process::Collector;
use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tonic::Code;

const METADATA: Metadata<'static> = Metadata::new("flagstaff", Level::INFO, None);

/// From an answer in microseconds to one that waited for its CPU.
const SECONDS: [f64; 12] =
    [5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 5e-2];

/// How a reload went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reload {
    /// Every definition is served.
    Applied,
    /// Some definitions are broken; their flags serve what they last were.
    Partial,
    /// The bytes differ, the answers do not.
    Unchanged,
    /// The file could not be read.
    ReadError,
    /// The file is no definition file.
    ParseError,
    /// The file has an error, and `--strict` takes no such file.
    Rejected,
    /// The file lost more than a quarter of its flags, and may be half written.
    Held,
}

impl Reload {
    const ALL: [Self; 7] = [
        Self::Applied,
        Self::Partial,
        Self::Unchanged,
        Self::ReadError,
        Self::ParseError,
        Self::Rejected,
        Self::Held,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Partial => "partial",
            Self::Unchanged => "unchanged",
            Self::ReadError => "read_error",
            Self::ParseError => "parse_error",
            Self::Rejected => "rejected",
            Self::Held => "held",
        }
    }
}

/// What an update stream was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Ready,
    Change,
    KeepAlive,
    Shutdown,
}

impl Event {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Ready, "provider_ready"),
        (Self::Change, "configuration_change"),
        (Self::KeepAlive, "keep_alive"),
        (Self::Shutdown, "provider_shutdown"),
    ];
}

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

/// The handles, and the registry they belong to.
pub struct Metrics {
    recorder: PrometheusRecorder,
    rendered: PrometheusHandle,
    rpcs: Vec<RpcDurations>,
    reloads: [Counter; Reload::ALL.len()],
    events: [Counter; Event::ALL.len()],
    options: MetricsOptions,
    /// What every flag counted.
    pub(crate) ledger: Ledger,
    /// Who met which variant.
    pub(crate) exposures: Exposures,
    pub(crate) radar: Radar,
    unknown_flags: Counter,
    process: Collector,
    log_lines_lost: Option<LostLines>,
    log_lines_dropped: Counter,
    pub(crate) streams_active: Gauge,
    pub(crate) streams_coalesced: Counter,
    /// Open connections of clients.
    pub(crate) connections: Arc<AtomicUsize>,
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

/// The durations of one method, by code; codes other than OK are rare enough to be registered when
/// they first happen.
struct RpcDurations {
    method: Method,
    ok: Histogram,
    failed: [OnceLock<Histogram>; 17],
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
            ledger: Ledger::new(options.max_series, options.exact_exposures, options.exposures),
            exposures: Exposures::new(options.exposure_table, options.exposure_window),
            unknown_flags: counter("flagstaff_unknown_flag_requests_total"),
            radar: Radar::default(),
            process: Collector::default(),
            log_lines_lost,
            log_lines_dropped: counter("flagstaff_log_lines_dropped_total"),
            streams_active: stream("flagstaff_streams_active").gauge(&recorder),
            streams_coalesced: stream("flagstaff_stream_coalesced_total").counter(&recorder),
            connections: Arc::default(),
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

impl RpcDurations {
    fn new(method: Method, recorder: &PrometheusRecorder) -> Self {
        let ok = Self::histogram(method, Code::Ok, recorder);
        Self { method, ok, failed: Default::default() }
    }

    fn of(&self, code: Code, recorder: &PrometheusRecorder) -> &Histogram {
        let register = || Self::histogram(self.method, code, recorder);
        match self.failed.get(code as usize) {
            Some(failed) if code != Code::Ok => failed.get_or_init(register),
            _ => &self.ok,
        }
    }

    fn histogram(method: Method, code: Code, recorder: &PrometheusRecorder) -> Histogram {
        Labels::new("flagstaff_rpc_duration_seconds")
            .with("service", method.service())
            .with("method", method.name())
            .with("code", code_name(code))
            .histogram(recorder)
    }
}

/// The gRPC name of a code.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// A series: its name and labels.
pub(super) struct Labels {
    name: &'static str,
    labels: Vec<Label>,
}

impl Labels {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, labels: Vec::new() }
    }

    pub(super) fn with(mut self, label: &'static str, value: &str) -> Self {
        self.labels.push(Label::new(label, value.to_owned()));
        self
    }

    fn key(self) -> Key {
        Key::from_parts(self.name, self.labels)
    }

    fn counter(self, recorder: &PrometheusRecorder) -> Counter {
        recorder.register_counter(&self.key(), &METADATA)
    }

    fn gauge(self, recorder: &PrometheusRecorder) -> Gauge {
        recorder.register_gauge(&self.key(), &METADATA)
    }

    fn histogram(self, recorder: &PrometheusRecorder) -> Histogram {
        recorder.register_histogram(&self.key(), &METADATA)
    }
}

/// What each metric means, as `# HELP` tells it.
fn describe(recorder: &PrometheusRecorder) {
    for (name, help) in [
        (
            "flagstaff_log_lines_dropped_total",
            "Log lines lost because their reader was too slow, or because writing failed",
        ),
        ("flagstaff_unknown_flag_requests_total", "Requests for flags that nobody defined"),
        ("flagstaff_stream_events_total", "Events sent to update streams"),
        (
            "flagstaff_stream_coalesced_total",
            "Times a slow update stream was sent several changes as one",
        ),
        (
            "flagstaff_connections_refused_total",
            "Connections refused or ended because too many are open",
        ),
        (
            "flagstaff_accept_errors_total",
            "Times connections could not be accepted: the process may have no file descriptor left",
        ),
        (
            "flagstaff_config_reloads_total",
            "Times a flag file was seen to differ, by how reading it went",
        ),
    ] {
        recorder.describe_counter(KeyName::from_const_str(name), None, help.into());
    }
    for (name, help) in [
        ("flagstaff_streams_active", "Open update streams"),
        ("flagstaff_connections_active", "Open connections"),
        (
            "flagstaff_config_last_reload_successful",
            "Whether all that stands in the flag files is in force",
        ),
        (
            "flagstaff_config_last_reload_success_timestamp_seconds",
            "When the last wholly good flag files were applied",
        ),
        (
            "flagstaff_config_last_scan_timestamp_seconds",
            "Unix time of the last scan that read every flag file and override",
        ),
        ("flagstaff_config_generation", "How many times the flags changed since the start"),
        ("flagstaff_config_bytes", "Size of the flag files in force"),
        (
            "flagstaff_config_reload_duration_seconds",
            "How long the last reload took, from the end of the wait for the file to serving",
        ),
        ("flagstaff_config_flags", "Flags in force, by state"),
        ("flagstaff_config_quarantined_flags", "Flags whose definition is broken"),
        ("flagstaff_overrides", "Local overrides: those that decide, and those that cannot"),
        ("flagstaff_config_watch_mode", "How changes of the flag files are noticed"),
        ("flagstaff_build_info", "The build"),
    ] {
        recorder.describe_gauge(KeyName::from_const_str(name), None, help.into());
    }
    let name = KeyName::from_const_str("flagstaff_rpc_duration_seconds");
    let help = "Time from a request's last byte to its answer, by gRPC code";
    recorder.describe_histogram(name, None, help.into());
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
