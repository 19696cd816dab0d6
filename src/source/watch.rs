//! Tells when the flag files may have changed, whatever way they are updated.
//!
//! An event only ever means "look again". Directories are watched, never files, and before the
//! caller reads; a slow poll runs beside the events and replaces them where they are refused.

mod directories;
mod events;
mod settle;
#[cfg(test)]
mod tests;
mod writes;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use self::{directories::Directories, events::Events};
use super::{
    chain::Chain,
    disk::{Disk, Operation},
};

pub(crate) use self::{
    directories::Refusal,
    writes::{Closing, Writes},
};

/// The slowest poll where events were wanted and refused.
const POLL_WHEN_REFUSED: Duration = Duration::from_secs(1);

/// How often a refused instance is asked for again.
const RETRY: Duration = Duration::from_secs(30);

/// How changes are to be noticed (`--watch`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchOption {
    /// By file events, and by a slow poll beside them.
    Auto,
    /// By the poll alone.
    Poll,
}

/// How changes are noticed at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchMode {
    /// Every directory that matters reports its events.
    Inotify,
    /// Some or all changes are seen by the poll only.
    Poll,
}

impl WatchMode {
    /// The mode as metrics and logs write it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Inotify => "inotify",
            Self::Poll => "poll",
        }
    }
}

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
    refusal: Option<Refusal>,
    disk: Disk,
    next_poll: Instant,
    next_attempt: Instant,
}

/// What became of the attempt to watch directories.
type Watched = (Option<Directories>, Option<Refusal>);

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
        self.disk.begin_scan();
        let (mut writes, events_lost) = self.events.begin_scan();
        if events_lost {
            self.directories = None;
            self.next_attempt = Instant::now();
        }
        let had_events = self.directories.is_some();
        self.watch();
        // A writer of now will be heard of, but one of before was not.
        writes.is_first &= !had_events && self.mode() == WatchMode::Inotify;
        self.next_poll = Instant::now() + self.poll_interval();
        writes
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

    /// How often the files are looked at whatever the events say.
    pub(crate) fn poll_interval(&self) -> Duration {
        match self.refusal {
            Some(_) => self.poll_interval.min(POLL_WHEN_REFUSED),
            None => self.poll_interval,
        }
    }

    /// How changes are noticed at the moment; it may differ after each [`Watcher::changed`].
    pub(crate) fn mode(&self) -> WatchMode {
        match (&self.directories, &self.refusal) {
            (Some(_), None) => WatchMode::Inotify,
            _ => WatchMode::Poll,
        }
    }

    /// Why the mode is [`WatchMode::Poll`] although events were asked for.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// Watches what the paths depend on now.
    fn watch(&mut self) {
        if self.option == WatchOption::Poll {
            return;
        }
        let waits = self.directories.is_none() && Instant::now() < self.next_attempt;
        if waits && !self.disk.is_hanging() {
            return;
        }
        let events = Arc::clone(&self.events);
        let paths: Vec<_> = self.paths.iter().chain(&self.others).cloned().collect();
        let directories = self.directories.take();
        let watch = move || watch_all(directories, &events, &paths);
        match self.disk.run(Operation::Watch, Path::new(""), watch) {
            Some((directories, refusal)) => {
                (self.directories, self.refusal) = (directories, refusal);
            }
            // The instance is with the thread that hangs, and reports what it watches already.
            None => self.refusal = Some(Refusal::Unanswered),
        }
        if self.disk.has_late_result() {
            // The paths may depend on other directories by now.
            self.events.miss();
        }
        if self.directories.is_none() {
            self.next_attempt = Instant::now() + RETRY;
        }
    }
}

/// Watches all that the paths depend on, with another instance if there is none.
fn watch_all(directories: Option<Directories>, events: &Arc<Events>, paths: &[PathBuf]) -> Watched {
    let opened = directories.map_or_else(
        || {
            let events = Arc::clone(events);
            Directories::open(move |event| events.on_event(event))
        },
        Ok,
    );
    let mut directories = match opened {
        Ok(directories) => directories,
        Err(refusal) => return (None, Some(refusal)),
    };
    let chain = Arc::new(Chain::of(paths));
    events.follow(Arc::clone(&chain));
    let refusal = directories.set(&chain.directories()).err();
    // What changed before its directory was watched was not reported.
    if Chain::of(paths) != *chain {
        events.miss();
    }
    (Some(directories), refusal)
}
