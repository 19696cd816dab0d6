//! One scan: every file is read, all at one moment, and what is new is applied and published.

use super::{ScanContext, Sources, Torn, state::Watching, watch::Watcher};
use crate::{
    files::disk::ScanCause,
    lifecycle::Phase,
    metrics::Reload,
    source::{half_written::HALF_WRITTEN, scan_result::Found, watched_path::WatchedPath},
};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tracing::{info, warn};

/// Tries to meet all files at one moment before giving up until a little later.
const ATTEMPTS: usize = 4;

/// Files of different moments are served after this time: a change must not wait for ever.
const TORN: Duration = Duration::from_millis(500);

impl Sources {
    /// Reads every file once, or what the last scan did not wait for, and publishes what is new.
    /// Returns whether anything was new.
    pub(super) fn scan(
        &mut self,
        watcher: &mut Watcher,
        cause: ScanCause,
        noticed: Instant,
    ) -> bool {
        let kept = self.again.filter(|_| cause == ScanCause::Return);
        self.writes = match cause {
            ScanCause::Change => watcher.prepare(),
            ScanCause::Return => watcher.go_on(&self.writes),
        };
        self.set_watch_mode(Watching::of(watcher));
        let now = SystemTime::now();
        self.overrides.look(now, cause);
        self.follow_clock(now, noticed);
        let mut found_news = self.overrides.is_due();
        self.again = None;
        let (mut found, is_one_moment) = self.find(cause);
        let swapped_until = self.hold_swapped(&mut found);
        if self.may_take(is_one_moment) {
            found_news |= self.take(found, noticed);
        } else {
            self.look_by(Instant::now() + HALF_WRITTEN);
        }
        self.overrides.tell(now);
        [kept, swapped_until, self.overrides.again()]
            .into_iter()
            .flatten()
            .for_each(|at| self.look_by(at));
        // What a list held before it was watched is looked at again.
        let is_stuck = self.sources.iter().any(WatchedPath::is_stuck);
        if watcher.watch_also(self.lists()) || self.has_late_result() || is_stuck {
            self.look_by(Instant::now());
        }
        if is_one_moment && !self.is_hanging() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.metrics.config.last_scan_timestamp.set(now.as_secs_f64());
            self.last_scan = Some(SystemTime::now());
        }
        self.publish_state();
        found_news
    }

    /// Asks for another scan at this time, or sooner.
    fn look_by(&mut self, at: Instant) {
        self.again = Some(self.again.map_or(at, |again| again.min(at)));
    }

    /// Reads the files. Returns whether all were read at one moment: a link that is swapped
    /// meanwhile would mix old files with new ones.
    fn find(&mut self, cause: ScanCause) -> (Vec<Option<Found>>, bool) {
        let max_bytes = self.options.max_file_bytes;
        let (sources, writes) = (&mut self.sources, &self.writes);
        sources.iter_mut().for_each(|source| source.begin_scan(cause));
        let mut attempt = 0;
        loop {
            attempt += 1;
            sources.iter_mut().for_each(|source| source.note_chain(cause));
            let find = |source: &mut WatchedPath| match cause {
                ScanCause::Change => Some(source.find(writes, max_bytes)),
                ScanCause::Return => source.go_on(writes, max_bytes),
            };
            let found = sources.iter_mut().map(find).collect();
            let is_one_moment = sources.iter_mut().all(WatchedPath::is_as_read);
            // What was read before a link was swapped is not read again by going on.
            if is_one_moment || attempt == ATTEMPTS || cause == ScanCause::Return {
                return (found, is_one_moment);
            }
        }
    }

    /// Holds back files that were swapped, while others that may have been swapped with them are not
    /// read yet. Returns when to give that up.
    fn hold_swapped(&mut self, found: &mut [Option<Found>]) -> Option<Instant> {
        let swapped = self.sources.iter_mut().map(WatchedPath::moment);
        let swapped = swapped.zip(found).filter(|(moment, _)| moment.is_swapped());
        let swapped: Vec<_> = swapped.collect();
        let until = swapped.iter().filter_map(|(moment, _)| moment.waits_until()).min()?;
        swapped.into_iter().for_each(|(moment, found)| moment.hold(found));
        Some(until)
    }

    /// Whether the files may be applied as read. Files of different moments may be applied only if
    /// no scan saw one moment for a while.
    fn may_take(&mut self, is_one_moment: bool) -> bool {
        if is_one_moment {
            if self.torn.take().is_some_and(|torn| torn.is_reported) {
                info!("the flag files were read at one moment again");
                self.set_source_gauges();
            }
            return true;
        }
        let now = Instant::now();
        let torn = self.torn.get_or_insert(Torn { since: now, is_reported: false });
        if now - torn.since < TORN {
            return false;
        }
        if !torn.is_reported {
            torn.is_reported = true;
            let outcome = "they are served as read, and may not belong together";
            warn!(
                outcome,
                "the flag files changed during every attempt to read them at one moment"
            );
            self.set_source_gauges();
        }
        true
    }

    /// Applies what was found and publishes what is new. Returns whether anything was new.
    fn take(&mut self, found: Vec<Option<Found>>, noticed: Instant) -> bool {
        let (options, teller, now) = (&self.options, self.teller, Instant::now());
        let mut look = ScanContext { options, teller, now, again: None };
        let mut results = Vec::new();
        for (source, found) in self.sources.iter_mut().zip(found) {
            results.extend(found.into_iter().flat_map(|found| source.take(found, &mut look)));
        }
        self.again = look.again;
        let files_are_as_they_were = results.is_empty() && self.greeted;
        if files_are_as_they_were && !self.overrides.is_due() {
            if !self.complete && !self.options.start_without_flags {
                // What was slow to answer may turn out to hang.
                self.lifecycle.enter(Phase::Starting(self.not_applied()));
            }
            return false;
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
        let next = if serves && due { self.compose() } else { None };
        if !files_are_as_they_were {
            for result in results {
                let unchanged = result == Reload::Applied && next.is_none();
                self.metrics.reload(if unchanged { Reload::Unchanged } else { result });
            }
            self.set_source_gauges();
        }
        if let Some(next) = next {
            self.metrics.config.reload_duration.set(noticed.elapsed().as_secs_f64());
            self.publish(&next, noticed);
        }
        if files_are_as_they_were {
            return true;
        }
        let phase = if serves { Phase::Ready } else { Phase::Starting(self.not_applied()) };
        self.lifecycle.enter(phase);
        self.greeted = true;
        true
    }

    /// Whether some file operation has not returned yet.
    fn is_hanging(&self) -> bool {
        self.overrides.is_hanging() || self.sources.iter().any(WatchedPath::is_hanging)
    }

    /// Whether something of this scan may be out of date.
    fn has_late_result(&self) -> bool {
        self.overrides.has_late_result() || self.sources.iter().any(WatchedPath::has_late_result)
    }
}
