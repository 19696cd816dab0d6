//! One scan: every file is read, all at one moment, and what is new is applied and published.

use super::{
    Look, Sources, Torn,
    doubt::HALF_WRITTEN,
    finding::Found,
    path::Source,
    state::Watching,
    watch::{Watcher, Writes},
};
use crate::{lifecycle::Phase, telemetry::metrics::Reload};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tracing::{info, warn};

/// Tries to meet all files at one moment before giving up until a little later.
const ATTEMPTS: usize = 4;

/// Files of different moments are served after this time: a change must not wait for ever.
const TORN: Duration = Duration::from_millis(500);

impl Sources {
    /// Reads every file once and publishes what is new. Returns whether anything was new.
    pub(super) fn scan(&mut self, watcher: &mut Watcher, noticed: Instant) -> bool {
        let writes = watcher.prepare();
        self.tell_mode(Watching::of(watcher));
        let now = SystemTime::now();
        self.overrides.look(now);
        self.follow_clock(now, noticed);
        let mut found_news = self.overrides.is_due();
        let (found, is_one_moment) = self.find(&writes);
        if self.may_take(is_one_moment) {
            found_news |= self.take(found, noticed);
        } else {
            self.again = Some(Instant::now() + HALF_WRITTEN);
        }
        self.overrides.tell(now);
        // What a list held before it was watched is looked at again.
        if watcher.watch_also(self.lists()) || self.has_late_result() {
            self.again = Some(Instant::now());
        }
        if is_one_moment && !self.is_hanging() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.metrics.config.last_scan_timestamp.set(now.as_secs_f64());
            self.last_scan = Some(SystemTime::now());
        }
        self.publish_state();
        found_news
    }

    /// Reads every file. Returns whether all were read at one moment: a link that is swapped
    /// meanwhile would mix old files with new ones.
    fn find(&mut self, writes: &Writes) -> (Vec<Found>, bool) {
        let max_bytes = self.options.max_file_bytes;
        self.sources.iter_mut().for_each(Source::begin_scan);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let before: Vec<_> = self.sources.iter_mut().map(Source::chain).collect();
            let found =
                self.sources.iter_mut().map(|source| source.find(writes, max_bytes)).collect();
            let mut same = self.sources.iter_mut().zip(&before).map(|(source, before)| {
                let after = source.chain();
                // Nothing can be said of a file system that does not answer.
                before.as_ref().zip(after.as_ref()).is_none_or(|(a, b)| a.is_same_moment(b))
            });
            let is_one_moment = same.all(|same| same);
            if is_one_moment || attempt == ATTEMPTS {
                return (found, is_one_moment);
            }
        }
    }

    /// Whether the files may be applied as read. Files of different moments may be applied only if
    /// no scan saw one moment for a while.
    fn may_take(&mut self, is_one_moment: bool) -> bool {
        if is_one_moment {
            if self.torn.take().is_some_and(|torn| torn.is_reported) {
                info!("the flag files were read at one moment again");
                self.tell_state();
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
            self.tell_state();
        }
        true
    }

    /// Applies what was found and publishes what is new. Returns whether anything was new.
    fn take(&mut self, found: Vec<Found>, noticed: Instant) -> bool {
        let (options, teller, now) = (&self.options, self.teller, Instant::now());
        let mut look = Look { options, teller, now, again: None };
        let mut results = Vec::new();
        for (source, found) in self.sources.iter_mut().zip(found) {
            results.extend(source.take(found, &mut look));
        }
        self.again = look.again;
        let files_are_as_they_were = results.is_empty() && self.greeted;
        if files_are_as_they_were && !self.overrides.is_due() {
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
        let changed = serves && due && self.publish(noticed);
        if changed {
            self.metrics.config.reload_duration.set(noticed.elapsed().as_secs_f64());
        }
        if files_are_as_they_were {
            return true;
        }
        for result in results {
            let unchanged = result == Reload::Applied && !changed;
            self.metrics.reload(if unchanged { Reload::Unchanged } else { result });
        }
        self.tell_state();
        let phase = if serves { Phase::Ready } else { Phase::Starting(self.not_applied()) };
        if !self.greeted {
            // `/status` has the flags before `/readyz` says that they are served.
            self.publish_state();
        }
        self.lifecycle.enter(phase);
        self.greeted = true;
        true
    }

    /// Whether some file operation has not returned yet.
    fn is_hanging(&self) -> bool {
        self.overrides.is_hanging() || self.sources.iter().any(Source::is_hanging)
    }

    /// Whether something of this scan may be out of date.
    fn has_late_result(&self) -> bool {
        self.overrides.has_late_result() || self.sources.iter().any(Source::has_late_result)
    }
}
