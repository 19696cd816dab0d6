//! One place that spawns, signals and drains.
//!
//! Every task of the process runs on the [`Lifecycle`], so the drain knows what it waits for, and
//! an essential task that ends early ends the process instead of leaving half of it alive.

use std::{
    future::Future,
    io::{self, IsTerminal, stderr},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// Connections and streams get this long to end by themselves: with margin it keeps the whole exit
/// within the 2 s that the kubelet grants a sidecar whose grace period is over.
const DRAIN_DEADLINE: Duration = Duration::from_millis(1500);

/// How far the process has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not every source was applied yet, and why.
    Starting(String),
    /// Every source was applied once.
    Ready,
    /// Told to stop: still serving, but no new work should come.
    Draining,
}

/// A handle to the process's life; clones are of the same life.
#[derive(Debug, Clone)]
pub(crate) struct Lifecycle {
    tasks: TaskTracker,
    draining: CancellationToken,
    failed: CancellationToken,
    phase: watch::Sender<Phase>,
}

/// Tasks were still running when the drain ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DrainTimeout {
    pub(crate) tasks: usize,
}

impl Lifecycle {
    pub(crate) fn new() -> Self {
        let starting = Phase::Starting("the flag files have not been read yet".to_owned());
        Self {
            tasks: TaskTracker::new(),
            draining: CancellationToken::new(),
            failed: CancellationToken::new(),
            phase: watch::Sender::new(starting),
        }
    }

    /// Spawns a task that may end at any time.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Spawns a task on another runtime than the caller's.
    pub(crate) fn spawn_on(
        &self,
        runtime: &Handle,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.tasks.spawn_on(task, runtime);
    }

    /// Spawns a task without which the process is of no use: should it end (or panic) before the
    /// drain, so does the process.
    pub(crate) fn spawn_essential(&self, task: impl Future<Output = ()> + Send + 'static) {
        let ended: DropGuard = self.failed.clone().drop_guard();
        let draining = self.draining.clone();
        self.tasks.spawn(async move {
            task.await;
            if draining.is_cancelled() {
                ended.disarm();
            }
        });
    }

    /// Resolves when an essential task ended.
    pub(crate) async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Moves on; draining is never left again.
    pub(crate) fn enter(&self, next: Phase) {
        self.phase.send_if_modified(|phase| {
            let moves = *phase != Phase::Draining && *phase != next;
            if moves {
                *phase = next;
            }
            moves
        });
    }

    /// The phase, and the news of another.
    pub(crate) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Resolves when streams are to end and nothing new is to begin.
    pub(crate) fn draining(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.draining.clone().cancelled_owned()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    pub(crate) fn drain_token(&self) -> CancellationToken {
        self.draining.clone()
    }

    /// Resolves when every task has ended; only a drain ends them all.
    pub(crate) async fn over(&self) {
        self.tasks.wait().await;
    }

    /// Ends every task: asks, waits, and leaves behind what does not end in time.
    pub(crate) async fn drain(&self) -> Result<(), DrainTimeout> {
        self.draining.cancel();
        self.tasks.close();
        tokio::time::timeout(DRAIN_DEADLINE, self.tasks.wait())
            .await
            .map_err(|_| DrainTimeout { tasks: self.tasks.len() })
    }
}

/// The signals that stop the process.
#[derive(Debug)]
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Takes the signals over; as PID 1 of a container they would otherwise be ignored.
    pub(crate) fn install() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The next one's name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// The terminal of an interactive run: standard error, if that was one at the start.
#[derive(Debug)]
pub(crate) struct Terminal {
    is_interactive: bool,
    hangup: Signal,
    /// A write found the terminal gone.
    gone: CancellationToken,
}

impl Terminal {
    pub(crate) fn watch(gone: CancellationToken) -> io::Result<Self> {
        let hangup = signal(SignalKind::hangup())?;
        Ok(Self { is_interactive: stderr().is_terminal(), hangup, gone })
    }

    /// Resolves when the terminal is gone, with or without a SIGHUP. SIGHUP alone is no reason: it
    /// asks for a reload, whoever sends it.
    pub(crate) async fn gone(&mut self) {
        loop {
            tokio::select! {
                () = self.gone.cancelled() => return,
                _ = self.hangup.recv() => {
                    // Asking a terminal that hung up for its settings fails as a write does, EIO.
                    if self.is_interactive && !stderr().is_terminal() {
                        return;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    #[tokio::test(start_paused = true)]
    async fn a_drain_waits_for_what_ends_and_leaves_what_does_not() {
        let lifecycle = Lifecycle::new();
        let draining = lifecycle.draining();
        lifecycle.spawn(draining);
        assert_eq!(lifecycle.clone().drain().await, Ok(()));
        let lifecycle = Lifecycle::new();
        lifecycle.spawn(pending());
        assert_eq!(lifecycle.drain().await, Err(DrainTimeout { tasks: 1 }));
    }

    #[tokio::test]
    async fn an_essential_task_that_ends_early_is_a_failure() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn_essential(lifecycle.draining());
        assert!(!lifecycle.failed.is_cancelled());
        lifecycle.spawn_essential(async {});
        lifecycle.failed().await;
    }

    #[tokio::test]
    async fn an_essential_task_that_ends_with_the_drain_is_none() {
        let lifecycle = Lifecycle::new();
        lifecycle.spawn_essential(lifecycle.draining());
        lifecycle.drain().await.unwrap();
        assert!(!lifecycle.failed.is_cancelled());
    }

    #[test]
    fn draining_is_never_left() {
        let lifecycle = Lifecycle::new();
        lifecycle.enter(Phase::Ready);
        lifecycle.enter(Phase::Draining);
        lifecycle.enter(Phase::Ready);
        assert_eq!(*lifecycle.phase().borrow(), Phase::Draining);
    }
}
