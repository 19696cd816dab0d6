//! `flagstaff serve`: its options, and what they come to.

use super::parse::{self, Bind, Port};
use crate::{
    app::{self, options::ServeOptions},
    metrics::{MetricsOptions, flag_counter_registry::ShowExposures},
    report::{
        chain,
        logging::{self, Log, LogFormat, LogLevel},
    },
    server::listener::Endpoint,
    source::{SourceOptions, watch::WatchOption},
};
use clap::{Args, ValueEnum, builder::BoolishValueParser};
use flagstaff_core::Generation;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroUsize,
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};
use tokio::runtime::Builder;
use tracing::{error, warn};

/// Options of `serve`; each can be set by an environment variable as well.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Flag files (.json, .yaml, .yml) and directories of them; where two define a flag, the later
    /// one wins
    #[arg(value_name = "PATH", required = true, env = "FLAGSTAFF_PATHS", value_delimiter = ',')]
    #[arg(value_parser = parse::watched_source)]
    paths: Vec<PathBuf>,
    /// IP addresses to listen on for evaluation, or `any`; `::` is IPv6 only. Loopback addresses that
    /// do not exist are skipped
    #[arg(long, env = "FLAGSTAFF_BIND", value_delimiter = ',', default_value = "127.0.0.1,::1")]
    #[arg(value_parser = parse::bind)]
    bind: Vec<Bind>,
    /// Port for evaluation over gRPC; 0 is any free one, off is none
    #[arg(long, env = "FLAGSTAFF_PORT", default_value = "8013", value_parser = parse::port)]
    port: Port,
    /// A second port with the same services, where clients look for the sync protocol (8015)
    #[arg(long, env = "FLAGSTAFF_SYNC_PORT", default_value = "off", value_parser = parse::port)]
    sync_port: Port,
    /// A third port with the same services, where clients look for OFREP (8016)
    #[arg(long, env = "FLAGSTAFF_OFREP_PORT", default_value = "off", value_parser = parse::port)]
    ofrep_port: Port,
    /// Unix socket for evaluation, beside the ports
    #[arg(long, env = "FLAGSTAFF_UDS", value_name = "PATH")]
    uds: Option<PathBuf>,
    /// Mode of the Unix socket, in octal
    #[arg(long, env = "FLAGSTAFF_UDS_MODE", default_value = "0660", value_parser = parse::mode)]
    uds_mode: u32,
    /// IP addresses to listen on for management, or `any`; `::` is IPv6 only
    #[arg(long, env = "FLAGSTAFF_MANAGEMENT_BIND", value_delimiter = ',')]
    #[arg(default_value = "127.0.0.1,::1", value_parser = parse::bind)]
    management_bind: Vec<Bind>,
    /// Port for metrics and probes; 0 is any free one, off is none
    #[arg(long, env = "FLAGSTAFF_MANAGEMENT_PORT", default_value = "8014")]
    #[arg(value_parser = parse::port)]
    management_port: Port,
    /// Directory of local overrides, as `flagstaff override` writes them; it may come later
    #[arg(long, env = "FLAGSTAFF_OVERRIDES", value_name = "DIR")]
    overrides: Option<PathBuf>,
    /// How changes of the files are noticed
    #[arg(long, env = "FLAGSTAFF_WATCH", default_value = "auto", ignore_case = true)]
    watch: WatchArgument,
    /// Interval at which the files are checked, whether or not an event reports a change
    #[arg(long, env = "FLAGSTAFF_POLL_INTERVAL", default_value = "5s")]
    #[arg(value_parser = parse::poll_interval)]
    poll_interval: Duration,
    /// A larger flag file is not read
    #[arg(long, env = "FLAGSTAFF_MAX_FILE_BYTES", default_value = "16MiB")]
    #[arg(value_parser = parse::bytes)]
    max_file_bytes: u64,
    /// Generation of the fractional operator in files that do not say one
    #[arg(long, env = "FLAGSTAFF_FRACTIONAL", default_value = "v2", ignore_case = true)]
    fractional: FractionalGeneration,
    /// Refuse a flag file that has any error, instead of serving its good flags
    #[arg(long, env = "FLAGSTAFF_STRICT", value_parser = BoolishValueParser::new())]
    strict: bool,
    /// Run the tests in readable flag files, and refuse a file if one of its tests fails
    #[arg(long, env = "FLAGSTAFF_TESTS_ON_LOAD", value_parser = BoolishValueParser::new())]
    tests_on_load: bool,
    /// Report ready before all files are there, and serve the flags that are. Clients use their own
    /// defaults for the rest
    #[arg(long, env = "FLAGSTAFF_START_WITHOUT_FLAGS", value_parser = BoolishValueParser::new())]
    start_without_flags: bool,
    /// Time within which repeat exposures of a targeting key to a variant are not counted: at least
    /// 1s, or 0s to count every evaluation
    #[arg(long, env = "FLAGSTAFF_EXPOSURE_WINDOW", default_value = "1h")]
    #[arg(value_parser = parse::exposure_window)]
    exposure_window: Duration,
    /// Memory for the exposures that were counted
    #[arg(long, env = "FLAGSTAFF_EXPOSURE_TABLE", default_value = "2MiB")]
    #[arg(value_parser = parse::exposure_table)]
    exposure_table: usize,
    /// Answer static flags so that clients do not cache them, and every exposure is counted
    #[arg(long, env = "FLAGSTAFF_EXACT_EXPOSURES", value_parser = BoolishValueParser::new())]
    exact_exposures: bool,
    /// Which exposures are counted, and from when they are shown
    #[arg(long, env = "FLAGSTAFF_METRICS_EXPOSURES", default_value = "all", ignore_case = true)]
    metrics_exposures: MetricsExposures,
    /// Maximum number of per-flag counter series. Flags over the limit share one set. Gauges of
    /// flags do not count
    #[arg(long, env = "FLAGSTAFF_METRICS_MAX_SERIES", default_value = "10000")]
    metrics_max_series: usize,
    /// Threads that answer requests [default: 2, or 1 where there is one CPU]
    #[arg(long, env = "FLAGSTAFF_WORKER_THREADS", value_parser = parse::threads)]
    worker_threads: Option<usize>,
    /// How long to go on serving after SIGTERM before clients are told to leave
    #[arg(long, env = "FLAGSTAFF_DRAIN_DELAY", default_value = "0s")]
    #[arg(value_parser = parse::drain_delay)]
    drain_delay: Duration,
    /// The least important level that is logged
    #[arg(long, env = "FLAGSTAFF_LOG_LEVEL", default_value = "info", ignore_case = true)]
    log_level: LogLevel,
    /// How log lines look: auto is text on a terminal and JSON elsewhere
    #[arg(long, env = "FLAGSTAFF_LOG_FORMAT", default_value = "auto", ignore_case = true)]
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum WatchArgument {
    /// By file events, and by polling beside them
    Auto,
    /// By polling alone
    Poll,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum MetricsExposures {
    /// All, from the start at zero
    All,
    /// All, each series from its first exposure: fewer lines, the same maximum of series
    Evaluated,
    /// None
    Off,
}

/// A generation of the fractional operator.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum FractionalGeneration {
    /// That of flagd 0.15 and 0.16
    V2,
    /// Its successor, that of newer in-process providers
    V3,
}

impl From<FractionalGeneration> for Generation {
    fn from(fractional: FractionalGeneration) -> Self {
        match fractional {
            FractionalGeneration::V2 => Self::V2,
            FractionalGeneration::V3 => Self::V3,
        }
    }
}

/// A look at the files, each page for many, a line about unknown flags: none waits for another.
const MAX_BLOCKING_THREADS: usize = 4;

impl ServeArgs {
    /// Runs the sidecar to its end.
    pub fn run(self) -> ExitCode {
        // Dropped last, when the last line was logged.
        let log = logging::start(self.log_format, self.log_level);
        match self.serve(&log) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                error!("{}", chain(&*error));
                ExitCode::FAILURE
            }
        }
    }

    fn serve(self, log: &Log) -> Result<(), Box<dyn std::error::Error>> {
        // Accepting, reading files and management take one thread; answering has its own.
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(MAX_BLOCKING_THREADS)
            .enable_all()
            .build()?;
        let served = runtime.block_on(app::serve(self.options(), log));
        // Whatever did not end in time is left behind.
        runtime.shutdown_background();
        Ok(served?)
    }

    fn options(self) -> ServeOptions {
        let answering = addresses(&self.bind);
        let evaluation = [
            (self.port, Some(8013), "--port"),
            (self.sync_port, None, "--sync-port"),
            (self.ofrep_port, None, "--ofrep-port"),
        ];
        let endpoint = |(port, default, port_option), addresses: &[IpAddr], bind_option| {
            let port = number(port, default, port_option)?;
            Some(Endpoint { addresses: addresses.to_vec(), bind_option, port, port_option })
        };
        let management = (self.management_port, Some(8014), "--management-port");
        let managing = addresses(&self.management_bind);
        warn_of_ipv6_alone("--bind", &answering);
        warn_of_ipv6_alone("--management-bind", &managing);
        ServeOptions {
            source: SourceOptions {
                paths: self.paths,
                watch: match self.watch {
                    WatchArgument::Auto => WatchOption::Auto,
                    WatchArgument::Poll => WatchOption::Poll,
                },
                poll_interval: self.poll_interval,
                max_file_bytes: self.max_file_bytes,
                fractional: self.fractional.into(),
                strict: self.strict,
                tests_on_load: self.tests_on_load,
                start_without_flags: self.start_without_flags,
                overrides: self.overrides,
            },
            evaluation: evaluation
                .into_iter()
                .filter_map(|port| endpoint(port, &answering, "--bind"))
                .collect(),
            uds: self.uds.map(|path| (path, self.uds_mode)),
            management: endpoint(management, &managing, "--management-bind"),
            metrics: MetricsOptions {
                max_series: self.metrics_max_series,
                exposures: match self.metrics_exposures {
                    MetricsExposures::All => ShowExposures::All,
                    MetricsExposures::Evaluated => ShowExposures::Evaluated,
                    MetricsExposures::Off => ShowExposures::Off,
                },
                exposure_window: self.exposure_window,
                exposure_table: self.exposure_table,
                exact_exposures: self.exact_exposures,
            },
            worker_threads: self.worker_threads.unwrap_or_else(worker_threads),
            drain_delay: self.drain_delay,
        }
    }
}

/// A sidecar shares its machine: it takes two threads at most, unless told otherwise.
fn worker_threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(2)
}

fn number(port: Port, default: Option<u16>, option: &'static str) -> Option<u16> {
    match port {
        Port::Off => None,
        Port::Number(number) => Some(number),
        Port::ServiceLink => {
            warn!(
                option,
                "its environment variable holds a Kubernetes service link, not a port, and is ignored"
            );
            default
        }
    }
}

/// A socket of `::` takes no IPv4 here, unlike that of many other programs.
fn warn_of_ipv6_alone(option: &'static str, addresses: &[IpAddr]) {
    let is_listed = |address: IpAddr| addresses.contains(&address);
    if is_listed(Ipv6Addr::UNSPECIFIED.into()) && !addresses.iter().any(IpAddr::is_ipv4) {
        let help = "write any to listen on IPv4 too";
        warn!(option, help, "the address :: is IPv6 only: clients over IPv4 cannot connect");
    }
}

fn addresses(bind: &[Bind]) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for bind in bind {
        match bind {
            Bind::Address(address) => addresses.push(*address),
            Bind::Any => addresses
                .extend([IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)]),
        }
    }
    let mut seen = Vec::new();
    addresses.retain(|address| {
        !seen.contains(address) && {
            seen.push(*address);
            true
        }
    });
    addresses
}
