//! File operations that may never return, each waited for only a bounded time.
//!
//! A call on a hung mount cannot be cancelled. Its thread is left behind, and the path is not tried
//! again until the call returns.

use std::{
    any::Any,
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender, TryRecvError},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// How long all operations of one scan together may be waited for in vain.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long each operation is waited for, even in a scan that has no patience left.
const LEAST: Duration = Duration::from_millis(20);

/// At most this many threads are left behind. The next operation is then not begun.
const MAX_UNANSWERED: usize = 8;

/// What is done with a path. Each operation has one type of result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    List,
    Read,
    Resolve,
    Mounts,
    Watch,
    Overrides,
}

/// Runs file operations on a thread of its own, and replaces the thread if it hangs.
#[derive(Debug)]
pub(crate) struct Disk {
    worker: Option<Worker>,
    /// Each holds the `Receiver` of the result that is still to come.
    unanswered: BTreeMap<(Operation, PathBuf), Box<dyn Any + Send>>,
    patience: Duration,
    /// Whether a result of this scan belongs to an operation of an earlier one.
    has_late_result: bool,
    returned: Arc<Notify>,
}

type Job = Box<dyn FnOnce() + Send>;

#[derive(Debug)]
struct Worker {
    jobs: Sender<Job>,
    is_abandoned: Arc<AtomicBool>,
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
            patience: PATIENCE,
            has_late_result: false,
            returned,
        }
    }

    /// Starts another scan.
    pub(crate) fn begin_scan(&mut self) {
        self.patience = PATIENCE;
        self.has_late_result = false;
    }

    /// Whether some operation has not returned yet.
    pub(crate) fn is_hanging(&self) -> bool {
        !self.unanswered.is_empty()
    }

    /// Whether a result of this scan may be out of date.
    pub(crate) fn has_late_result(&self) -> bool {
        self.has_late_result
    }

    /// The result of `work`, or that of the same operation of an earlier scan. `None` if neither
    /// has come in time.
    pub(crate) fn run<T: Send + 'static>(
        &mut self,
        operation: Operation,
        path: &Path,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let key = (operation, path.to_path_buf());
        let late = self.unanswered.get(&key).and_then(|held| held.downcast_ref::<Receiver<T>>());
        match late.map(Receiver::try_recv) {
            Some(Err(TryRecvError::Empty)) => return None,
            Some(Ok(result)) => {
                self.unanswered.remove(&key);
                self.has_late_result = true;
                return Some(result);
            }
            Some(Err(TryRecvError::Disconnected)) | None => {}
        }
        self.unanswered.remove(&key);
        if self.unanswered.len() >= MAX_UNANSWERED {
            return None;
        }
        let (sender, receiver) = mpsc::channel();
        // Sending fails only if the result is not wanted any more.
        let job: Job = Box::new(move || _ = sender.send(work()).ok());
        let worker = self.worker.take().or_else(|| Worker::start(Arc::clone(&self.returned)))?;
        if worker.jobs.send(job).is_err() {
            return None;
        }
        let start = Instant::now();
        if let Ok(result) = receiver.recv_timeout(self.patience.max(LEAST)) {
            self.worker = Some(worker);
            return Some(result);
        }
        self.patience = self.patience.saturating_sub(start.elapsed());
        worker.is_abandoned.store(true, Ordering::SeqCst);
        // The worker may have finished before it could see that.
        match receiver.try_recv() {
            Ok(result) => Some(result),
            Err(TryRecvError::Empty) => {
                self.unanswered.insert(key, Box::new(receiver));
                None
            }
            Err(TryRecvError::Disconnected) => None,
        }
    }
}

/// Whether a path is a file, as far as its file system answers in time.
pub(crate) fn is_file(path: &Path) -> bool {
    let file = path.to_path_buf();
    let found = Disk::default().run(Operation::Resolve, path, move || file.is_file());
    found == Some(true)
}

/// Whether something is at a path, as far as its file system answers in time. A path that does not
/// answer is there.
pub(crate) fn exists(path: &Path) -> bool {
    let there = path.to_path_buf();
    let found = Disk::default().run(Operation::Resolve, path, move || there.exists());
    found != Some(false)
}

impl Worker {
    fn start(returned: Arc<Notify>) -> Option<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let is_abandoned = Arc::new(AtomicBool::new(false));
        let abandoned = Arc::clone(&is_abandoned);
        let work = move || {
            for job in queue {
                job();
                if abandoned.load(Ordering::SeqCst) {
                    returned.notify_one();
                }
            }
        };
        thread::Builder::new().name("disk".to_owned()).spawn(work).ok()?;
        Some(Self { jobs, is_abandoned })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(
        disk: &mut Disk,
        path: &str,
        work: impl FnOnce() -> u32 + Send + 'static,
    ) -> Option<u32> {
        disk.run(Operation::Read, Path::new(path), work)
    }

    #[test]
    fn an_operation_that_hangs_delays_no_other_and_is_not_tried_again() {
        let mut disk = Disk::default();
        let (release, held) = mpsc::channel::<()>();
        assert_eq!(run(&mut disk, "a", || 1), Some(1));
        let start = Instant::now();
        assert_eq!(run(&mut disk, "b", move || held.recv().map_or(2, |()| 3)), None);
        assert!(start.elapsed() >= PATIENCE);
        assert!(disk.is_hanging());
        let start = Instant::now();
        disk.begin_scan();
        for _ in 0..100 {
            assert_eq!(run(&mut disk, "b", || 4), None);
            assert_eq!(run(&mut disk, "a", || 5), Some(5));
        }
        assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
        drop(release);
        let mut late = None;
        while late.is_none() {
            late = run(&mut disk, "b", || 4);
        }
        assert_eq!(late, Some(2), "the result of the call that hung");
        assert!(disk.has_late_result() && !disk.is_hanging());
        disk.begin_scan();
        assert_eq!(run(&mut disk, "b", || 4), Some(4));
        assert!(!disk.has_late_result());
    }

    #[tokio::test]
    async fn a_return_is_reported() {
        let returned = Arc::new(Notify::new());
        let mut disk = Disk::new(Arc::clone(&returned));
        let (release, held) = mpsc::channel::<()>();
        assert_eq!(run(&mut disk, "a", move || held.recv().map_or(1, |()| 2)), None);
        drop(release);
        tokio::time::timeout(Duration::from_secs(10), returned.notified()).await.unwrap();
        assert_eq!(run(&mut disk, "a", || 3), Some(1));
    }

    #[test]
    fn the_patience_of_a_scan_and_the_threads_left_behind_are_bounded() {
        let mut disk = Disk::default();
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(std::sync::Mutex::new(held));
        let start = Instant::now();
        for number in 0..100 {
            let held = Arc::clone(&held);
            let hang = move || held.lock().map_or(0, |held| held.recv().map_or(1, |()| 2));
            assert_eq!(run(&mut disk, &number.to_string(), hang), None);
        }
        assert!(start.elapsed() < PATIENCE * 2, "{:?}", start.elapsed());
        assert_eq!(disk.unanswered.len(), MAX_UNANSWERED);
        drop(release);
    }

    #[test]
    fn an_operation_that_panics_has_no_result_and_hurts_no_other() {
        let mut disk = Disk::default();
        assert_eq!(run(&mut disk, "a", || panic!("a defect")), None);
        assert_eq!(run(&mut disk, "a", || 1), Some(1));
        assert!(!disk.is_hanging());
    }
}
