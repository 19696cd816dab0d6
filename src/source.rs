//! From flag files to a published snapshot: watch, read, compile, compose, publish or keep.
//!
//! A source is a configured PATH, and each file of it a layer that remembers its last good flags.
//! Whatever goes wrong with a file changes metrics and logs, never an answer.

mod chain;
mod file;
mod finding;
pub(crate) mod listing;
pub(crate) mod lists;
mod mounts;
mod path;
mod publish;
pub(crate) mod read;
mod shadow;
pub(crate) mod state;
mod wait;
pub(crate) mod watch;

use crate::{
    flag::Generation,
    lifecycle::{Lifecycle, Phase},
    overrides::Overrides,
    store::Store,
    telemetry::{
        logging::Audience,
        metrics::{Metrics, Reload},
        report::Teller,
    },
};
use chain::Chain;
use finding::Found;
use path::Source;
use state::{State, Watching};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tokio::{
    signal::unix::Signal,
    sync::watch::{Receiver, Sender},
    time::sleep_until,
};
use tracing::{debug, info};
use wait::{HALF_WRITTEN, Wait};
use watch::{Notice, WatchMode, WatchOption, Watcher};

/// Tries to meet all files at one moment before giving up until a little later.
const ATTEMPTS: usize = 4;

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
    sources: Vec<Source>,
    overrides: Overrides,
    teller: Teller,
    /// Every source was applied once. From then on there is always an answer.
    complete: bool,
    /// Whether a first look was taken in, of which the greeting tells.
    greeted: bool,
    /// When to look again whatever the events say.
    again: Option<Instant>,
    watching: Option<Watching>,
    state: Sender<Arc<State>>,
    store: Store,
    metrics: Arc<Metrics>,
    lifecycle: Lifecycle,
}

/// One look at the files, while it is taken in.
#[derive(Debug)]
struct Look<'a> {
    options: &'a SourceOptions,
    teller: Teller,
    /// What is known of the writers of what is new.
    notice: Notice,
    now: Instant,
    /// When something that has to last will have lasted.
    again: Option<Instant>,
}

impl Look<'_> {
    /// Whether this has been the case long enough; if not, there will be another look in time.
    fn is_over<T: PartialEq>(
        &mut self,
        wait: &mut Option<Wait<T>>,
        what: T,
        long_enough: Duration,
    ) -> bool {
        Wait::is_over(wait, what, long_enough, self.now, &mut self.again)
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
        let overrides = Overrides::new(options.overrides.clone());
        Self {
            sources: options.paths.iter().cloned().map(Source::new).collect(),
            state: Sender::new(Arc::new(State {
                overrides_directory: overrides.directory().cloned(),
                ..State::default()
            })),
            overrides,
            options,
            teller: Teller(audience),
            complete: false,
            greeted: false,
            again: None,
            watching: None,
            store,
            metrics,
            lifecycle,
        }
    }

    /// What is known after each look.
    pub(crate) fn state(&self) -> Receiver<Arc<State>> {
        self.state.subscribe()
    }

    /// Loads the files, and again whenever they may have changed, until the sidecar drains.
    pub(crate) async fn run(mut self, mut hangups: Signal) {
        let SourceOptions { mut paths, watch, poll_interval, .. } = self.options.clone();
        paths.extend(self.overrides.directory().cloned());
        let mut watcher = Watcher::new(paths, watch, poll_interval);
        let lifecycle = self.lifecycle.clone();
        let mut noticed = Instant::now();
        // Whoever is writing a file now will be heard of, if there are events.
        let mut notice = match watcher.mode() {
            WatchMode::Inotify => Notice::Whole,
            WatchMode::Poll => Notice::Unsure,
        };
        loop {
            self.tell_mode(Watching::of(&watcher));
            // Reading and compiling would hold up requests; it runs to its end, one at a time.
            let looked = tokio::task::spawn_blocking(move || {
                self.look(noticed, notice);
                self
            });
            match looked.await {
                Ok(source) => self = source,
                // A panic in there is a defect; the lifecycle ends the process over it.
                Err(_) => return,
            }
            // What a list held before it was watched is looked at again.
            let again = match watcher.watch_also(self.lists()) {
                true => Some(Instant::now()),
                false => self.again,
            };
            let holds = self.holds();
            notice = tokio::select! {
                biased;
                () = lifecycle.draining() => return,
                notice = watcher.changed() => notice,
                () = holds.left() => Notice::Unsure,
                _ = hangups.recv() => {
                    info!("looking at the flag files again because of SIGHUP");
                    Notice::Unsure
                }
                () = sleep_until(again.unwrap_or(noticed).into()), if again.is_some() => Notice::Unsure,
            };
            noticed = Instant::now();
        }
    }

    /// Reads every file once and publishes what is new.
    fn look(&mut self, noticed: Instant, notice: Notice) {
        let now = SystemTime::now();
        self.overrides.look(now);
        self.follow_clock(now, noticed);
        match self.find() {
            Some(found) => self.take(found, noticed, notice),
            None => {
                debug!("the files were moved at every attempt to read them together");
                self.again = Some(Instant::now() + HALF_WRITTEN);
            }
        }
        self.overrides.tell(now);
        self.publish_state();
    }

    /// Reads every file, all of them at one moment: a link that is swapped meanwhile would mix
    /// old files with new ones.
    fn find(&self) -> Option<Vec<Found>> {
        for _ in 0..ATTEMPTS {
            let before = Chain::of(&self.options.paths);
            let sources = self.sources.iter();
            let found = sources.map(|source| source.find(self.options.max_file_bytes)).collect();
            if Chain::of(&self.options.paths) == before {
                return Some(found);
            }
        }
        None
    }

    /// Takes in what was found and publishes what is new.
    fn take(&mut self, found: Vec<Found>, noticed: Instant, notice: Notice) {
        let (options, teller, now) = (&self.options, self.teller, Instant::now());
        let mut look = Look { options, teller, notice, now, again: None };
        let mut results = Vec::new();
        for (source, found) in self.sources.iter_mut().zip(found) {
            results.extend(source.take(found, &mut look));
        }
        self.again = look.again;
        let files_are_as_they_were = results.is_empty() && self.greeted;
        if files_are_as_they_were && !self.overrides.is_due() {
            return;
        }
        // Until every source was applied once, what is there may be just what a missing one
        // replaces.
        self.complete |= self.sources.iter().all(|source| source.not_applied().is_none());
        if !self.complete && !self.greeted && self.options.start_without_flags {
            self.teller.without_flags(&self.not_applied());
        }
        let serves = self.complete || self.options.start_without_flags;
        let is_new = |result: &Reload| matches!(result, Reload::Applied | Reload::Partial);
        let due = results.iter().any(is_new) || self.store.current().is_none();
        let due = due || self.overrides.is_due();
        let changed = serves && due && self.publish(noticed);
        if changed {
            self.metrics.config.reload_duration.set(noticed.elapsed().as_secs_f64());
        }
        if files_are_as_they_were {
            return;
        }
        for result in results {
            let unchanged = result == Reload::Applied && !changed;
            self.metrics.reload(if unchanged { Reload::Unchanged } else { result });
        }
        self.tell_state();
        let phase = if serves { Phase::Ready } else { Phase::Starting(self.not_applied()) };
        self.lifecycle.enter(phase);
        self.greeted = true;
    }

    /// The lists that the files name.
    fn lists(&self) -> Vec<PathBuf> {
        self.sources.iter().flat_map(Source::lists).collect()
    }

    /// Why not every source was applied yet.
    fn not_applied(&self) -> String {
        self.sources.iter().find_map(Source::not_applied).unwrap_or_default()
    }
}
