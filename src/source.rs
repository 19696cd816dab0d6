//! From flag files to a published snapshot: watch, read, compile, compose, publish or keep.
//!
//! A source is a configured PATH, and each file of it a layer that remembers its last good flags.
//! Whatever goes wrong with a file changes metrics and logs, never an answer.

mod chain;
mod compiling;
pub(crate) mod consistent_read;
pub(crate) mod defined_twice;
mod file;
pub(crate) mod grace_period;
pub(crate) mod half_written;
pub(crate) mod lists;
mod loss;
mod mounts;
mod publish;
mod scan;
pub(crate) mod scan_result;
pub(crate) mod scan_throttle;
pub(crate) mod scanned_file;
pub(crate) mod state;
pub(crate) mod watch;
pub(crate) mod watched_path;

use crate::{
    files::disk::{Disk, ScanCause},
    lifecycle::Lifecycle,
    metrics::Metrics,
    overrides::Overrides,
    report::{OperatorLog, logging::Audience},
    source::{
        grace_period::{UNANSWERED, Wait},
        scan_throttle::Pace,
        watched_path::WatchedPath,
    },
    store::Store,
};
use flagstaff_core::Generation;
use state::{SourcesState, Watching};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tokio::{
    signal::unix::Signal,
    sync::{
        Notify,
        watch::{Receiver, Sender},
    },
    time::{sleep, sleep_until},
};
use tracing::{info, warn};
use watch::{WatchOption, Watcher, Writes};

/// How often a scan that does not end is reported again.
const REMINDER: Duration = Duration::from_secs(600);

/// Which files, and how to read them.
#[derive(Debug, Clone)]
pub(crate) struct SourceOptions {
    /// In the order in which later ones win.
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) watch: WatchOption,
    /// How often the files are looked at whatever the events say.
    pub(crate) poll_interval: Duration,
    /// A larger file is not read.
    pub(crate) max_file_bytes: u64,
    /// The fractional generation of files that do not say one.
    pub(crate) fractional: Generation,
    /// A file with an error in it is not taken at all.
    pub(crate) strict: bool,
    /// A file of which a test fails is not taken at all.
    pub(crate) tests_on_load: bool,
    /// Serve what is there, be it nothing, before every source was applied.
    pub(crate) start_without_flags: bool,
    /// Where local overrides are.
    pub(crate) overrides: Option<PathBuf>,
}

/// The configured sources, and where their flags go.
#[derive(Debug)]
pub(crate) struct Sources {
    options: SourceOptions,
    sources: Vec<WatchedPath>,
    overrides: Overrides,
    teller: OperatorLog,
    /// Every source was applied once. From then on there is always an answer.
    complete: bool,
    /// Whether a first look was taken in, of which the greeting tells.
    greeted: bool,
    /// When to look again whatever the events say.
    again: Option<Instant>,
    /// Since when every scan met files of different moments.
    torn: Option<Torn>,
    /// When a scan last read every file.
    last_scan: Option<SystemTime>,
    /// What the last scan that a change caused knew of writers.
    writes: Writes,
    /// A file operation has returned that no scan waits for any more.
    returned: Arc<Notify>,
    watching: Option<Watching>,
    state: Sender<Arc<SourcesState>>,
    store: Store,
    metrics: Arc<Metrics>,
    lifecycle: Lifecycle,
}

/// Scans that met files of different moments, one after the other.
#[derive(Debug)]
struct Torn {
    since: Instant,
    is_reported: bool,
}

/// One scan of the files, while its results are applied.
#[derive(Debug)]
struct ScanContext<'a> {
    options: &'a SourceOptions,
    teller: OperatorLog,
    now: Instant,
    /// When something that has to last will have lasted.
    again: Option<Instant>,
}

impl ScanContext<'_> {
    /// Whether this has been the case long enough; if not, there will be another scan in time.
    fn is_over<T: PartialEq>(
        &mut self,
        wait: &mut Option<Wait<T>>,
        what: T,
        long_enough: Duration,
    ) -> bool {
        Wait::is_over(wait, what, long_enough, self.now, &mut self.again)
    }

    /// Asks for another scan after this time, or sooner.
    fn look_in(&mut self, left: Duration) {
        let due = self.now + left;
        self.again = Some(self.again.map_or(due, |again| again.min(due)));
    }
}

impl Sources {
    pub(crate) fn new(
        options: SourceOptions,
        audience: Audience,
        store: Store,
        metrics: Arc<Metrics>,
        lifecycle: Lifecycle,
    ) -> Self {
        let returned = Arc::new(Notify::new());
        let source = |path: &PathBuf| WatchedPath::new(path.clone(), Arc::clone(&returned));
        let disk = Disk::new(Arc::clone(&returned));
        let overrides = Overrides::new(options.overrides.clone(), disk);
        Self {
            sources: options.paths.iter().map(source).collect(),
            state: Sender::new(Arc::new(SourcesState {
                overrides_directory: overrides.directory().cloned(),
                ..SourcesState::default()
            })),
            overrides,
            options,
            teller: OperatorLog(audience),
            complete: false,
            greeted: false,
            again: None,
            torn: None,
            last_scan: None,
            writes: Writes::default(),
            returned,
            watching: None,
            store,
            metrics,
            lifecycle,
        }
    }

    /// What is known after each look.
    pub(crate) fn state(&self) -> Receiver<Arc<SourcesState>> {
        self.state.subscribe()
    }

    /// Loads the files, and again whenever they may have changed, until the sidecar drains.
    pub(crate) async fn run(mut self, mut hangups: Signal) {
        let SourceOptions { mut paths, watch, poll_interval, .. } = self.options.clone();
        paths.extend(self.overrides.directory().cloned());
        let returned = Arc::clone(&self.returned);
        let mut watcher = Watcher::new(paths, watch, poll_interval, Arc::clone(&returned));
        let (lifecycle, metrics) = (self.lifecycle.clone(), Arc::clone(&self.metrics));
        let mut noticed = Instant::now();
        let (mut pace, mut cause) = (Pace::new(noticed), ScanCause::Change);
        loop {
            // Reading and compiling would hold up requests; it runs to its end, one at a time.
            let scanned = tokio::task::spawn_blocking(move || {
                let found_news = self.scan(&mut watcher, cause, noticed);
                (self, watcher, found_news)
            });
            let scanned = tokio::select! {
                biased;
                // A scan that hangs must not keep the process from its end.
                () = lifecycle.draining() => return,
                scanned = or_reported(scanned, &metrics) => scanned,
            };
            let found_news;
            match scanned {
                Ok(after) => (self, watcher, found_news) = after,
                // A panic in there is a defect; the lifecycle ends the process over it.
                Err(_) => return,
            }
            pace.scanned(noticed, Instant::now(), found_news);
            let (again, holds, due) = (self.again, self.holds(), pace.due());
            cause = ScanCause::Change;
            tokio::select! {
                biased;
                () = lifecycle.draining() => return,
                () = paced(due, &mut watcher) => {}
                () = holds.left() => {}
                () = returned.notified() => cause = ScanCause::Return,
                _ = hangups.recv() => {
                    info!("looking at the flag files again because of SIGHUP");
                }
                () = sleep_until(again.unwrap_or(noticed).into()), if again.is_some() => {}
            }
            noticed = Instant::now();
        }
    }

    /// The lists that the files name.
    fn lists(&self) -> Vec<PathBuf> {
        self.sources.iter().flat_map(WatchedPath::lists).collect()
    }

    /// Why not every source was applied yet.
    fn not_applied(&self) -> String {
        self.sources.iter().find_map(WatchedPath::not_applied).unwrap_or_default()
    }
}

/// A change that events or the poll notice, not before a scan is due.
async fn paced(due: Instant, watcher: &mut Watcher) {
    sleep_until(due.into()).await;
    watcher.changed().await;
}

/// Waits for a scan, and reports one that does not end. What is served does not depend on it.
async fn or_reported<T>(scan: impl Future<Output = T>, metrics: &Metrics) -> T {
    tokio::pin!(scan);
    let mut patience = UNANSWERED;
    loop {
        tokio::select! {
            result = &mut scan => return result,
            () = sleep(patience) => {
                metrics.config.last_reload_successful.set(0.0);
                let outcome = "changes of flag files and overrides are not noticed";
                warn!(outcome, "a scan of the flag files has not ended: a file system may hang");
                patience = REMINDER;
            }
        }
    }
}
