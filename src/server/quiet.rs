//! A waker that a connection mutes while it answers calls itself.
//!
//! h2 wakes the task of a connection for each frame that is queued. A connection that queues frames
//! within its own poll, and polls h2 again before it returns, needs no second poll.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
};

/// Wakes the task of a connection, unless it is muted.
#[derive(Debug)]
pub(super) struct Quiet {
    muted: AtomicBool,
    task: Mutex<Waker>,
}

impl Quiet {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { muted: AtomicBool::new(false), task: Mutex::new(Waker::noop().clone()) })
    }

    /// Sets the task that is woken from now on.
    pub(super) fn follow(&self, task: &Waker) {
        // No code that can panic runs while the lock is held.
        self.task.lock().unwrap_or_else(PoisonError::into_inner).clone_from(task);
    }

    /// Runs `work` and ignores wakes meanwhile. The caller has to poll h2 afterwards: that poll finds
    /// the cause of a wake that came from another thread.
    pub(super) fn mute<T>(&self, work: impl FnOnce() -> T) -> T {
        self.muted.store(true, Ordering::SeqCst);
        let done = work();
        self.muted.store(false, Ordering::SeqCst);
        done
    }
}

impl Wake for Quiet {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.muted.load(Ordering::SeqCst) {
            self.task.lock().unwrap_or_else(PoisonError::into_inner).wake_by_ref();
        }
    }
}
