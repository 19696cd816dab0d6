//! What notify's thread passes on to the task that reloads.

use super::{super::chain::Chain, writes::Writes};
use crate::source::watch::debounce::{PathChange, Unsettled};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::{sync::Notify, time::Instant};

/// Shared by notify's thread and the watcher.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// A std mutex: held for a look-up in a map, never across an await.
    pending: Mutex<Pending>,
    /// Keeps one permit, so an event between two waits is not lost, and a burst is one.
    noted: Notify,
}

#[derive(Debug)]
struct Pending {
    chain: Arc<Chain>,
    unsettled: Option<Unsettled>,
    writes: Writes,
    events_lost: bool,
}

impl Default for Pending {
    fn default() -> Self {
        let writes = Writes::first();
        Self { chain: Arc::default(), unsettled: None, writes, events_lost: false }
    }
}

impl Events {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs on notify's thread: no I/O and no logging here.
    pub(super) fn on_event(&self, event: notify::Result<notify::Event>) {
        if self.lock().note(event) {
            self.noted.notify_one();
        }
    }

    /// Resolves when an event came that is worth a scan.
    pub(super) async fn noted(&self) {
        self.noted.notified().await;
    }

    /// When the files are worth reading, if anything has changed.
    pub(super) fn due(&self) -> Option<Instant> {
        self.lock().unsettled.as_ref().map(Unsettled::due)
    }

    /// Passes on the changes of names on these ways only.
    pub(super) fn follow(&self, chain: Arc<Chain>) {
        self.lock().chain = chain;
    }

    /// Something has changed, and how far its writer is was not reported.
    pub(super) fn miss(&self) {
        self.lock().unsettled(Instant::now());
    }

    /// What was known of writers, with those that have a file open by now. Forgets nothing.
    pub(super) fn go_on(&self, before: &Writes) -> Writes {
        before.with_open_of(&self.lock().writes)
    }

    /// Forgets what led to this scan. Returns what is known of the writers, and whether the
    /// instance must be replaced.
    pub(super) fn begin_scan(&self) -> (Writes, bool) {
        let mut pending = self.lock();
        pending.unsettled = None;
        (pending.writes.begin_scan(), std::mem::take(&mut pending.events_lost))
    }
}

impl Pending {
    /// Returns whether the event calls for a scan.
    fn note(&mut self, event: notify::Result<notify::Event>) -> bool {
        let now = Instant::now();
        match event {
            Ok(event) if !event.need_rescan() => {
                // A rename is reported as from, to, and both; what counts is the last name.
                let (Some(change), Some(path)) = (PathChange::of(event.kind), event.paths.last())
                else {
                    return false;
                };
                let is_concerned = self.chain.concerns(path);
                let calls_for_scan = is_concerned && change != PathChange::Opened;
                if calls_for_scan {
                    self.unsettled(now).note(change, path, now);
                }
                if is_concerned {
                    self.writes.note(change, path);
                } else {
                    self.writes.note_other(change, path);
                }
                calls_for_scan
            }
            // The queue overflowed or could not be read: anything may have happened.
            _ => {
                self.events_lost = true;
                self.writes.forget();
                self.unsettled(now);
                true
            }
        }
    }

    fn unsettled(&mut self, now: Instant) -> &mut Unsettled {
        self.unsettled.get_or_insert_with(|| Unsettled::new(now))
    }
}
