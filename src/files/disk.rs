//! File operations that may never return, each waited for only a bounded time.
//!
//! A call on a hung mount cannot be cancelled. Its thread is left behind, and the path is not tried
//! again until the call returns.

mod worker;

use std::{
    any::Any,
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, TryRecvError},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::Notify;
use worker::{Job, Worker};

/// How long an operation is waited for. If it takes longer, its result comes with a later scan.
const WAIT: Duration = Duration::from_millis(10);

/// How long all operations of one scan together may be waited for in vain.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long each operation is waited for, even in a scan that has no patience left.
const LEAST: Duration = Duration::from_millis(2);

/// A result that was asked for this long ago is used although something may have changed since.
const STALE: Duration = Duration::from_secs(1);

/// How long the operations of a command may be waited for in vain.
const QUESTION: Duration = Duration::from_secs(1);

/// At most this many threads are left behind. The next operation is then not begun.
const MAX_UNANSWERED: usize = 64;

/// Why a scan takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScanCause {
    /// Something may have changed.
    Change,
    /// An operation has returned that its scan did not wait for: the scan goes on.
    Return,
}

/// What is done with a path. Each operation has one type of result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    List,
    Read,
    Resolve,
    /// The way to a directory, without its entries.
    ResolveWay,
    ResolveEntry,
    Mounts,
    Watch,
    ListOverrides,
    ReadOverride,
}

/// Runs file operations on a thread of its own, and replaces the thread if it hangs.
#[derive(Debug)]
pub(crate) struct Disk {
    worker: Option<Worker>,
    unanswered: BTreeMap<(Operation, PathBuf), Unanswered>,
    /// The number of scans that a change has caused.
    scans: u64,
    /// How long an operation is waited for.
    wait: Duration,
    patience: Duration,
    /// Whether a result of this scan belongs to an operation of an earlier one.
    has_late_result: bool,
    returned: Arc<Notify>,
}

/// An operation that no scan waits for any more.
#[derive(Debug)]
struct Unanswered {
    /// The `Receiver` of the result.
    result: Box<dyn Any + Send>,
    has_returned: Arc<AtomicBool>,
    /// The scan that began it.
    scan: u64,
    began: Instant,
    /// When its result was first asked for.
    asked: Instant,
}

impl Default for Disk {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl Disk {
    /// `returned` is notified when an operation returns that is no longer waited for.
    pub(crate) fn new(returned: Arc<Notify>) -> Self {
        Self {
            worker: None,
            unanswered: BTreeMap::new(),
            scans: 0,
            wait: WAIT,
            patience: PATIENCE,
            has_late_result: false,
            returned,
        }
    }

    /// For a command, which has one scan and nothing else to do.
    pub(crate) fn of_command() -> Self {
        Self { wait: QUESTION, patience: QUESTION, ..Self::default() }
    }

    /// Starts another scan, or goes on with the last one.
    pub(crate) fn begin_scan(&mut self, cause: ScanCause) {
        self.patience = PATIENCE;
        self.has_late_result = false;
        if cause == ScanCause::Change {
            self.scans += 1;
        }
    }

    /// Whether some operation has not returned yet.
    pub(crate) fn is_hanging(&self) -> bool {
        self.hanging() > 0
    }

    /// When the last of the operations began that have not returned.
    pub(crate) fn youngest(&self) -> Option<Instant> {
        let hangs = |of: &&Unanswered| !of.has_returned.load(Ordering::SeqCst);
        self.unanswered.values().filter(hangs).map(|of| of.began).max()
    }

    /// Whether a result is still to come, or to be asked for.
    pub(crate) fn owes_result(&self) -> bool {
        !self.unanswered.is_empty()
    }

    /// As [`Disk::owes_result`], of one operation.
    pub(crate) fn owes(&self, operation: Operation, path: &Path) -> bool {
        self.unanswered.keys().any(|(owed, of)| (*owed, of.as_path()) == (operation, path))
    }

    fn hanging(&self) -> usize {
        let hangs = |of: &&Unanswered| !of.has_returned.load(Ordering::SeqCst);
        self.unanswered.values().filter(hangs).count()
    }

    /// Whether a result of this scan may be out of date.
    pub(crate) fn has_late_result(&self) -> bool {
        self.has_late_result
    }

    /// The result of `work`, or that of the same operation of an earlier scan. `None` if neither
    /// has come in time: `returned` is then notified when it comes.
    pub(crate) fn run<T: Send + 'static>(
        &mut self,
        operation: Operation,
        path: &Path,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let key = (operation, path.to_path_buf());
        let mut asked = Instant::now();
        if let Some(late) = self.unanswered.get(&key) {
            let is_current = late.scan == self.scans;
            // What an earlier scan asked for would be mixed with what this one reads. It is used
            // only if the operation is too slow for any scan.
            let is_used = is_current || late.asked.elapsed() > STALE;
            let result = late.result.downcast_ref().map(Receiver::<T>::try_recv);
            match result {
                Some(Err(TryRecvError::Empty)) => return None,
                Some(Ok(result)) if is_used => {
                    self.has_late_result |= !is_current;
                    self.unanswered.remove(&key);
                    return Some(result);
                }
                Some(Ok(_)) => {
                    asked = late.asked;
                    self.unanswered.remove(&key);
                }
                Some(Err(TryRecvError::Disconnected)) | None => {
                    self.unanswered.remove(&key);
                }
            }
        }
        if self.unanswered.len() >= MAX_UNANSWERED && self.hanging() >= MAX_UNANSWERED {
            return None;
        }
        let (sender, receiver) = mpsc::channel();
        let has_returned = Arc::new(AtomicBool::new(false));
        let returns = Arc::clone(&has_returned);
        let job: Job = Box::new(move || {
            // Sending fails only if the result is not wanted any more.
            sender.send(work()).ok();
            returns.store(true, Ordering::SeqCst);
        });
        let worker = self.worker.take().or_else(|| Worker::start(Arc::clone(&self.returned)))?;
        if worker.jobs.send(job).is_err() {
            return None;
        }
        let start = Instant::now();
        if let Ok(result) = receiver.recv_timeout(self.wait.min(self.patience).max(LEAST)) {
            self.worker = Some(worker);
            return Some(result);
        }
        self.patience = self.patience.saturating_sub(start.elapsed());
        worker.is_abandoned.store(true, Ordering::SeqCst);
        // The worker may have finished before it could see that.
        match receiver.try_recv() {
            Ok(result) => Some(result),
            Err(TryRecvError::Empty) => {
                let (result, scan, began) = (Box::new(receiver), self.scans, start);
                let unanswered = Unanswered { result, has_returned, scan, began, asked };
                self.unanswered.insert(key, unanswered);
                None
            }
            Err(TryRecvError::Disconnected) => None,
        }
    }
}

/// The result of file operations, unless they take longer than `limit`.
pub(crate) fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    // Sending fails only if the result is not wanted any more.
    let work = move || _ = sender.send(work()).ok();
    thread::Builder::new().name("disk".to_owned()).spawn(work).ok()?;
    receiver.recv_timeout(limit).ok()
}

/// Whether a path is a file, as far as its file system answers in time.
pub(crate) fn is_file(path: &Path) -> bool {
    let file = path.to_path_buf();
    within(QUESTION, move || file.is_file()) == Some(true)
}

/// Whether something is at a path, as far as its file system answers in time. A path that does not
/// answer is there.
pub(crate) fn exists(path: &Path) -> bool {
    let there = path.to_path_buf();
    within(QUESTION, move || there.exists()) != Some(false)
}

#[cfg(test)]
mod tests;
