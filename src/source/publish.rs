//! What a look comes to: a snapshot in the store, gauges, lines in the log, and the state.

use super::{
    Sources,
    state::{SourcesState, Watching},
    watch::WatchMode,
};
use crate::{
    clock::TimeSpan,
    report::{Publication, change_line::Clients},
    snapshot::Snapshot,
    source::watched_path::WatchedPath,
};
use flagstaff_core::{Layer, flag_file::overridden::put_over, merge};
use std::{
    sync::{Arc, atomic::Ordering},
    time::{Instant, SystemTime, UNIX_EPOCH},
};
use tracing::{info, warn};

impl Sources {
    /// The time in which nothing changes what is served, if nobody does.
    pub(super) fn holds(&self) -> TimeSpan {
        let flags = self.store.current().map_or_else(TimeSpan::default, |current| current.holds());
        flags.within(self.overrides.holds())
    }

    /// Publishes flags whose rules depend on a moment that has come. That is no reload, and waits
    /// for no file.
    pub(super) fn follow_clock(&mut self, now: SystemTime, noticed: Instant) {
        if self.store.current().is_some_and(|current| !current.holds().contains(now))
            && let Some(next) = self.compose()
        {
            self.publish(&next, noticed);
        }
    }

    /// The flags of all layers, unless every flag means what it meant.
    pub(super) fn compose(&mut self) -> Option<Arc<Snapshot>> {
        let previous = self.store.current();
        let mut flags = merge(self.sources.iter().flat_map(WatchedPath::layers));
        let overridden = self.overrides.decide(&flags);
        put_over(&mut flags, &overridden);
        let next = Snapshot::next(previous.as_deref(), &flags, &self.metrics, SystemTime::now());
        let is_as_it_was = previous.is_some() && next.changes().is_empty();
        (!is_as_it_was).then(|| Arc::new(next))
    }

    /// Puts the flags in force. Metrics and `/status` show them before `/readyz` and the log do.
    pub(super) fn publish(&self, next: &Arc<Snapshot>, noticed: Instant) {
        let previous = self.store.current();
        self.set_flag_gauges(next);
        self.store.publish(Arc::clone(next));
        let took = noticed.elapsed();
        self.publish_state();
        self.teller.without_series(next, previous.as_deref());
        self.teller.published(&Publication {
            snapshot: next,
            quarantined: self.broken(),
            took,
            clients: Clients {
                connections: self.metrics.connections.load(Ordering::Relaxed),
                streams: self.store.subscribers(),
            },
            greeted: self.greeted,
        });
    }

    /// Shows what is known now to whoever asks for it.
    pub(super) fn publish_state(&self) {
        let (active, failing) = self.overrides.count();
        self.metrics.config.overrides_active.set(active as f64);
        self.metrics.config.overrides_failing.set(failing as f64);
        self.state.send_replace(Arc::new(SourcesState {
            watching: self.watching.clone(),
            last_scan: self.last_scan,
            sources: self.sources.iter().map(WatchedPath::state).collect(),
            overrides_directory: self.overrides.directory().cloned(),
            overrides: self.overrides.status(),
            snapshot: self.store.current(),
        }));
    }

    fn set_flag_gauges(&self, snapshot: &Snapshot) {
        let gauges = &self.metrics.config;
        gauges.generation.set(snapshot.generation() as f64);
        let flags = snapshot.entries();
        let disabled = flags.iter().filter(|entry| entry.flag.is_disabled()).count();
        gauges.flags_disabled.set(disabled as f64);
        gauges.flags_enabled.set((flags.len() - disabled) as f64);
    }

    /// Tells how the files stand.
    pub(super) fn set_source_gauges(&self) {
        let gauges = &self.metrics.config;
        let is_torn = self.torn.as_ref().is_some_and(|torn| torn.is_reported);
        let good = !is_torn && self.sources.iter().all(WatchedPath::is_wholly_good);
        gauges.last_reload_successful.set(if good { 1.0 } else { 0.0 });
        if good {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            gauges.last_reload_success_timestamp.set(now.as_secs_f64());
        }
        gauges.bytes.set(self.sources.iter().map(WatchedPath::bytes).sum::<usize>() as f64);
        gauges.quarantined.set(self.broken() as f64);
    }

    fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.sources.iter().flat_map(WatchedPath::layers)
    }

    /// How many flags do not serve what their definition says.
    fn broken(&self) -> usize {
        self.layers().flat_map(Layer::broken).count()
    }

    pub(super) fn set_watch_mode(&mut self, watching: Watching) {
        let mode = watching.mode;
        let told = self.watching.as_ref().map(|told| told.mode);
        if told != Some(mode) {
            let gauges = &self.metrics.config;
            gauges.watch_inotify.set(if mode == WatchMode::Inotify { 1.0 } else { 0.0 });
            gauges.watch_poll.set(if mode == WatchMode::Poll { 1.0 } else { 0.0 });
            match &watching.refusal {
                Some(why) => warn!(
                    mode = mode.as_str(),
                    why, "file events were refused, so the files are polled"
                ),
                None => info!(mode = mode.as_str(), "watching the flag files"),
            }
        }
        self.watching = Some(watching);
    }
}
