//! Tells when the flag files may have changed, whatever way they are updated.
//!
//! An event only ever means "look again". Directories are watched, never files, and before the
//! caller reads; a slow poll runs beside the events and replaces them where they are refused.

pub(crate) mod debounce;
mod directories;
mod events;
mod mode;
mod resolved;
#[cfg(test)]
mod tests;
mod writes;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use self::{
    directories::Directories,
    events::Events,
    resolved::{Resolved, watch_all},
};
use super::chain::Chain;
use crate::files::disk::{Disk, Operation, ScanCause};

pub(crate) use self::{
    directories::WatchRefusal,
    mode::{WatchMode, WatchOption},
    writes::{Closing, Writes},
};

/// The slowest poll where events were wanted and refused.
const POLL_WHEN_REFUSED: Duration = Duration::from_secs(1);

/// How long a directory may be silent before that counts as a refusal.
const SLOW: Duration = Duration::from_secs(1);

/// How often a refused instance is asked for again.
const RETRY: Duration = Duration::from_secs(30);

/// Watches a set of source paths, present or not.
#[derive(Debug)]
pub(crate) struct Watcher {
    paths: Vec<PathBuf>,
    /// What the files at `paths` name.
    others: Vec<PathBuf>,
    option: WatchOption,
    poll_interval: Duration,
    events: Arc<Events>,
    directories: Option<Directories>,
    refusal: Option<WatchRefusal>,
    /// Since when some directory has not answered.
    silent_since: Option<Instant>,
    /// What each path depended on when its file system last answered.
    chains: BTreeMap<PathBuf, Arc<Chain>>,
    disk: Disk,
    next_poll: Instant,
    next_attempt: Instant,
}

impl Watcher {
    /// Watches nothing until [`Watcher::prepare`]. Without events it polls, at least once a second,
    /// and asks for them again every 30 s. `returned` is notified when a hung directory answers.
    pub(crate) fn new(
        paths: Vec<PathBuf>,
        option: WatchOption,
        poll_interval: Duration,
        returned: Arc<Notify>,
    ) -> Self {
        let now = Instant::now();
        Self {
            paths,
            others: Vec::new(),
            option,
            poll_interval,
            events: Arc::default(),
            directories: None,
            refusal: None,
            silent_since: None,
            chains: BTreeMap::new(),
            disk: Disk::new(returned),
            next_poll: now,
            next_attempt: now,
        }
    }

    /// Waits until the files may have changed and are worth reading, or a poll is due. What
    /// happens after it returns makes the next call return. Cancel-safe: it takes nothing.
    pub(crate) async fn changed(&mut self) {
        loop {
            // A poll does not cut short the wait for a file that is being written.
            let due = self.events.due().unwrap_or(self.next_poll);
            if due <= Instant::now() {
                return;
            }
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.events.noted() => {}
            }
        }
    }

    /// Makes ready for the caller to read: from here on every event starts another scan. Blocks on
    /// the disk, for a bounded time, so not for an async task.
    pub(crate) fn prepare(&mut self) -> Writes {
        self.disk.begin_scan(ScanCause::Change);
        let (mut writes, events_lost) = self.events.begin_scan();
        if events_lost {
            self.directories = None;
            self.next_attempt = Instant::now();
        }
        let had_events = self.directories.is_some();
        self.watch();
        // A writer of now will be heard of, but one of before was not.
        let has_events = self.directories.is_some() && self.refusal.is_none();
        writes.is_first &= !had_events && has_events;
        self.next_poll = Instant::now() + self.interval_for(self.refusal.as_ref());
        writes
    }

    /// What a scan that goes on may rely on, given what it relied on before.
    pub(crate) fn go_on(&mut self, writes: &Writes) -> Writes {
        self.disk.begin_scan(ScanCause::Return);
        if self.refusal.as_ref().is_some_and(WatchRefusal::is_unanswered) {
            self.watch();
        }
        self.events.go_on(writes)
    }

    /// Watches these files too, instead of those it was given before. Returns whether any of them
    /// may have changed since it was read: it was not watched.
    pub(crate) fn watch_also(&mut self, others: Vec<PathBuf>) -> bool {
        if others == self.others {
            return false;
        }
        self.others = others;
        self.watch();
        true
    }

    /// How often the files are looked at whatever the events say, in the present mode.
    pub(crate) fn poll_interval(&self) -> Duration {
        self.interval_for(self.refusal())
    }

    fn interval_for(&self, refusal: Option<&WatchRefusal>) -> Duration {
        match refusal {
            Some(_) => self.poll_interval.min(POLL_WHEN_REFUSED),
            None => self.poll_interval,
        }
    }

    /// How changes are noticed at the moment; it may differ after each [`Watcher::changed`].
    pub(crate) fn mode(&self) -> WatchMode {
        match (&self.directories, &self.refusal) {
            (Some(_), None) => WatchMode::Inotify,
            _ if self.is_slow() => WatchMode::Inotify,
            _ => WatchMode::Poll,
        }
    }

    /// Whether a directory has not answered yet, but has been asked just now.
    fn is_slow(&self) -> bool {
        self.silent_since.is_some_and(|since| since.elapsed() < SLOW)
    }

    /// Why the mode is [`WatchMode::Poll`] although events were asked for.
    pub(crate) fn refusal(&self) -> Option<&WatchRefusal> {
        self.refusal.as_ref().filter(|_| !self.is_slow())
    }

    /// Watches what the paths depend on now.
    fn watch(&mut self) {
        if self.option == WatchOption::Poll {
            return;
        }
        let waits = self.directories.is_none() && Instant::now() < self.next_attempt;
        if waits && !self.disk.owes_result() {
            return;
        }
        let answered = self.resolve();
        let whole = answered.iter().filter(|resolved| resolved.is_whole()).count();
        let is_silent = whole < self.chains.len() || self.chains.is_empty();
        let all = Arc::new(Chain::merged(self.chains.values()));
        let events = Arc::clone(&self.events);
        let directories = self.directories.take();
        let watch = move || watch_all(directories, &events, &answered, &all);
        match self.disk.run(Operation::Watch, Path::new(""), watch) {
            Some((directories, refusal)) => {
                (self.directories, self.refusal) = (directories, refusal);
                if is_silent {
                    self.refusal.get_or_insert(WatchRefusal::Unanswered);
                }
            }
            // The instance is with the thread that hangs, and reports what it watches already.
            None => self.refusal = Some(WatchRefusal::Unanswered),
        }
        let is_silent = self.refusal.as_ref().is_some_and(WatchRefusal::is_unanswered);
        self.silent_since = is_silent.then(|| self.silent_since.unwrap_or_else(Instant::now));
        if self.disk.has_late_result() {
            // The paths may depend on other directories by now.
            self.events.miss();
        }
        if self.directories.is_none() {
            self.next_attempt = Instant::now() + RETRY;
        }
    }

    /// Notes what each path depends on. Returns that of the paths whose file systems answer.
    fn resolve(&mut self) -> Vec<Resolved> {
        let paths: BTreeSet<_> = self.paths.iter().chain(&self.others).cloned().collect();
        self.chains.retain(|path, _| paths.contains(path));
        let mut answered = Vec::new();
        for path in paths {
            let whole = path.clone();
            let resolve = move || Resolved::of(whole);
            let found = self.disk.run(Operation::Resolve, &path, resolve);
            let found = found.or_else(|| Resolved::in_parts(&path, &mut self.disk));
            match found {
                Some(found) => {
                    self.chains.insert(path, Arc::clone(&found.chain));
                    answered.push(found);
                }
                None => _ = self.chains.entry(path).or_default(),
            }
        }
        answered
    }
}
