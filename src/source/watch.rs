//! Tells when the flag files may have changed, whatever way they are updated.
//!
//! An event only ever means "look again". Directories are watched, never files, and before the
//! caller reads; a slow poll runs beside the events and replaces them where they are refused.

mod directories;
mod settle;
#[cfg(test)]
mod tests;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use self::{
    directories::Directories,
    settle::{Change, Unsettled},
};
use super::chain::Chain;

pub(crate) use self::directories::Refusal;

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

/// What is known of the writers when the files may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Every change is complete: renamed into place, or its writer has closed the file.
    Whole,
    /// Nothing: noticed by the poll, say, or the writer took longer than one waits.
    Unsure,
}

/// Watches a set of source paths, present or not.
#[derive(Debug)]
pub(crate) struct Watcher {
    paths: Vec<PathBuf>,
    /// What the files at `paths` name.
    others: Vec<PathBuf>,
    option: WatchOption,
    poll_interval: Duration,
    shared: Arc<Shared>,
    directories: Option<Directories>,
    refusal: Option<Refusal>,
    next_poll: Instant,
    next_attempt: Instant,
}

impl Watcher {
    /// Starts to watch, so that nothing that happens after this call is missed. Cannot fail:
    /// without events it polls, at least once a second, and asks for them again every 30 s.
    pub(crate) fn new(paths: Vec<PathBuf>, option: WatchOption, poll_interval: Duration) -> Self {
        let now = Instant::now();
        let mut watcher = Self {
            paths,
            others: Vec::new(),
            option,
            poll_interval,
            shared: Arc::default(),
            directories: None,
            refusal: None,
            next_poll: now,
            next_attempt: now,
        };
        watcher.prepare();
        watcher
    }

    /// Waits until the files may have changed and are worth reading, or a poll is due. What
    /// happens after it returns makes the next call return. Cancel-safe: it takes nothing until
    /// the last await is over.
    pub(crate) async fn changed(&mut self) -> Notice {
        loop {
            // A poll does not cut short the wait for a file that is being written.
            let due = self.shared.lock().unsettled.as_ref().map(Unsettled::due);
            let due = due.unwrap_or(self.next_poll);
            if due <= Instant::now() {
                break;
            }
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.shared.event.notified() => {}
            }
        }
        let whole = self.shared.lock().unsettled.as_ref().is_some_and(Unsettled::is_whole);
        self.prepare();
        if whole { Notice::Whole } else { Notice::Unsure }
    }

    /// Watches these files too, instead of those it was told before. Returns whether any of them
    /// may have changed since it was read: it was not watched.
    pub(crate) fn watch_also(&mut self, others: Vec<PathBuf>) -> bool {
        if others == self.others {
            return false;
        }
        self.others = others;
        if self.option == WatchOption::Auto {
            self.watch();
        }
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

    /// Makes ready for the caller to read: from here on every event starts another look.
    fn prepare(&mut self) {
        let events_lost = self.shared.lock().begin_look();
        if events_lost {
            self.directories = None;
            self.next_attempt = Instant::now();
        }
        if self.option == WatchOption::Auto {
            self.watch();
        }
        self.next_poll = Instant::now() + self.poll_interval();
    }

    /// Watches what the paths depend on now.
    fn watch(&mut self) {
        if self.directories.is_none() && Instant::now() < self.next_attempt {
            return;
        }
        let opened = match self.directories.take() {
            Some(directories) => Ok(directories),
            None => {
                let shared = Arc::clone(&self.shared);
                Directories::open(move |event| shared.on_event(event))
            }
        };
        match opened {
            Ok(mut directories) => {
                let all = || self.paths.iter().chain(&self.others);
                let chain = Arc::new(Chain::of(all()));
                self.shared.lock().chain = Arc::clone(&chain);
                self.refusal = directories.set(&chain.directories()).err();
                self.directories = Some(directories);
                // What changed before its directory was watched was not reported.
                if Chain::of(all()) != *chain {
                    self.shared.lock().unsettled(Instant::now()).miss();
                }
            }
            Err(refusal) => {
                self.refusal = Some(refusal);
                self.next_attempt = Instant::now() + RETRY;
            }
        }
    }
}

/// What notify's thread tells the task.
#[derive(Debug, Default)]
struct Shared {
    /// A std mutex: held for a look-up in a map, never across an await.
    state: Mutex<State>,
    /// Keeps one permit, so an event between two waits is not lost, and a burst is one.
    event: Notify,
}

#[derive(Debug, Default)]
struct State {
    chain: Arc<Chain>,
    unsettled: Option<Unsettled>,
    events_lost: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs on notify's thread: no I/O and no logging here.
    fn on_event(&self, event: notify::Result<notify::Event>) {
        if self.lock().note(event) {
            self.event.notify_one();
        }
    }
}

impl State {
    /// Returns whether the event calls for a look.
    fn note(&mut self, event: notify::Result<notify::Event>) -> bool {
        let now = Instant::now();
        match event {
            Ok(event) if !event.need_rescan() => {
                // A rename is told as from, to, and both; what counts is the last name.
                let (Some(change), Some(path)) = (Change::of(event.kind), event.paths.last())
                else {
                    return false;
                };
                let concerned = self.chain.concerns(path);
                if concerned {
                    self.unsettled(now).note(change, path, now);
                }
                concerned
            }
            // The queue overflowed or could not be read: anything may have happened.
            _ => {
                self.events_lost = true;
                self.unsettled(now).miss();
                true
            }
        }
    }

    fn unsettled(&mut self, now: Instant) -> &mut Unsettled {
        self.unsettled.get_or_insert_with(|| Unsettled::new(now))
    }

    /// Forgets what led to this look. Returns whether the instance must be replaced.
    fn begin_look(&mut self) -> bool {
        self.unsettled = None;
        std::mem::take(&mut self.events_lost)
    }
}
