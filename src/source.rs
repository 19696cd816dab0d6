//! From flag files to a published snapshot: watch, read, compile, compose, publish or keep.
//!
//! Each file is a layer that remembers its last good flags. Whatever goes wrong with a file changes
//! metrics and logs, never an answer.

mod chain;
mod file;
pub(crate) mod read;
pub(crate) mod watch;

use crate::{
    flag::{Generation, Standing, merge},
    lifecycle::{Lifecycle, Phase},
    snapshot::Snapshot,
    store::Store,
    telemetry::{
        logging::Audience,
        metrics::{Metrics, Reload},
        report::{self, Publication, Teller},
    },
};
use file::File;
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::time::sleep;
use tracing::{info, warn};
use watch::{WatchMode, WatchOption, Watcher};

/// How long a file may be empty before that is taken for its content.
const SETTLE: Duration = Duration::from_millis(200);

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
}

/// The configured files, and where their flags go.
#[derive(Debug)]
pub(crate) struct Source {
    options: SourceOptions,
    files: Vec<File>,
    teller: Teller,
    /// Whether the first look is over, of which the greeting tells.
    greeted: bool,
    store: Store,
    metrics: Arc<Metrics>,
    lifecycle: Lifecycle,
}

impl Source {
    pub(crate) fn new(
        options: SourceOptions,
        audience: Audience,
        store: Store,
        metrics: Arc<Metrics>,
        lifecycle: Lifecycle,
    ) -> Self {
        let files = options.paths.iter().cloned().map(File::new).collect();
        Self { options, files, teller: Teller(audience), greeted: false, store, metrics, lifecycle }
    }

    /// Loads the files, and again whenever they may have changed, until the sidecar drains.
    pub(crate) async fn run(mut self) {
        let SourceOptions { paths, watch, poll_interval, .. } = self.options.clone();
        let mut watcher = Watcher::new(paths, watch, poll_interval);
        let mut mode = None;
        let lifecycle = self.lifecycle.clone();
        let mut noticed = Instant::now();
        loop {
            self.tell_mode(&watcher, &mut mode);
            // Reading and compiling would hold up requests; it runs to its end, one at a time.
            let looked = tokio::task::spawn_blocking(move || {
                self.look(noticed);
                self.greeted = true;
                self
            });
            match looked.await {
                Ok(source) => self = source,
                // A panic in there is a defect; the lifecycle ends the process over it.
                Err(_) => return,
            }
            let unsettled = self.files.iter().any(File::is_unsettled);
            tokio::select! {
                biased;
                () = lifecycle.draining() => return,
                () = watcher.changed() => {}
                () = sleep(SETTLE), if unsettled => {}
            }
            noticed = Instant::now();
        }
    }

    /// Reads every file once and publishes what is new.
    fn look(&mut self, noticed: Instant) {
        let (files, options) = (self.files.iter_mut(), &self.options);
        let found: Vec<Reload> = files.filter_map(|file| file.look(options, self.teller)).collect();
        if found.is_empty() {
            return;
        }
        let is_new = |result: &Reload| matches!(result, Reload::Applied | Reload::Partial);
        // Until every file was applied once, what is there may be just what a missing one replaces.
        let complete = self.files.iter().all(|file| file.not_applied().is_none());
        let changed = complete && found.iter().any(is_new) && self.publish(noticed);
        for result in found {
            let unchanged = result == Reload::Applied && !changed;
            self.metrics.reload(if unchanged { Reload::Unchanged } else { result });
        }
        self.tell_state();
    }

    /// Composes the layers and publishes, unless every flag means what it meant. Says whether any
    /// answer may differ.
    fn publish(&self, noticed: Instant) -> bool {
        let previous = self.store.current();
        let flags = merge(self.files.iter().map(File::layer));
        let next = Snapshot::next(previous.as_deref(), &flags, &self.metrics);
        if previous.is_some() && next.changes().is_empty() {
            return false;
        }
        let next = Arc::new(next);
        self.store.publish(Arc::clone(&next));
        let took = noticed.elapsed();
        self.tell_published(&next, took);
        self.teller.published(&Publication {
            snapshot: &next,
            quarantined: self.broken(),
            took,
            streams: self.store.subscribers(),
            greeted: self.greeted,
        });
        true
    }

    fn tell_published(&self, snapshot: &Snapshot, took: Duration) {
        let gauges = &self.metrics.config;
        gauges.generation.set(snapshot.generation() as f64);
        gauges.hash.set(snapshot.hash48() as f64);
        gauges.reload_duration.set(took.as_secs_f64());
        let flags = snapshot.entries();
        let disabled = flags.iter().filter(|entry| entry.flag.is_disabled()).count();
        gauges.flags_disabled.set(disabled as f64);
        gauges.flags_enabled.set((flags.len() - disabled) as f64);
    }

    /// Tells how the files stand: in metrics, and as readiness once each was applied.
    fn tell_state(&self) {
        let gauges = &self.metrics.config;
        let good = self.files.iter().all(File::is_wholly_good);
        gauges.last_reload_successful.set(if good { 1.0 } else { 0.0 });
        if good {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            gauges.last_reload_success_timestamp.set(now.as_secs_f64());
        }
        gauges.bytes.set(self.files.iter().map(File::bytes).sum::<usize>() as f64);
        gauges.quarantined.set(self.broken() as f64);
        match self.files.iter().find_map(File::not_applied) {
            None => self.lifecycle.enter(Phase::Ready),
            Some(why) => self.lifecycle.enter(Phase::Starting(why)),
        }
    }

    /// How many flags do not serve what their definition says.
    fn broken(&self) -> usize {
        let flags = self.files.iter().flat_map(|file| file.layer().flags());
        flags.filter(|flag| flag.standing() != Standing::Good).count()
    }

    fn tell_mode(&self, watcher: &Watcher, told: &mut Option<WatchMode>) {
        let mode = watcher.mode();
        if told.replace(mode) == Some(mode) {
            return;
        }
        let gauges = &self.metrics.config;
        gauges.watch_inotify.set(if mode == WatchMode::Inotify { 1.0 } else { 0.0 });
        gauges.watch_poll.set(if mode == WatchMode::Poll { 1.0 } else { 0.0 });
        match watcher.refusal() {
            Some(refusal) => {
                let why = report::chain(refusal);
                warn!(
                    mode = mode.as_str(),
                    why, "file events were refused, so the files are polled"
                );
            }
            None => info!(mode = mode.as_str(), "watching the flag files"),
        }
    }
}
