//! The threads that answer: each has a runtime of its own and keeps its connections to the end.
//!
//! On one shared runtime, threads hand the poll of sockets to each other at every call: two thread
//! switches for an answer of a microsecond. Here a call is read, answered and written where its
//! connection lives.

use crate::lifecycle::Lifecycle;
use std::{
    future::Future,
    io,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    time::{Instant, timeout_at},
};

/// A thread that answers at all gets to a new task within this time.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where connections are served.
#[derive(Debug, Default)]
pub(crate) struct Workers {
    /// Empty if there is to be one thread for everything.
    runtimes: Vec<Handle>,
    next: AtomicUsize,
}

impl Workers {
    /// Starts `threads` threads, or none for a single one: then the caller's own is enough.
    /// They end with the process.
    pub(crate) fn start(threads: usize, lifecycle: &Lifecycle) -> io::Result<Self> {
        let mut runtimes = Vec::new();
        for number in 0..if threads > 1 { threads } else { 0 } {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            runtimes.push(runtime.handle().clone());
            let lifecycle = lifecycle.clone();
            let run = move || runtime.block_on(lifecycle.over());
            thread::Builder::new().name(name(number)).spawn(run)?;
        }
        Ok(Self { runtimes, next: AtomicUsize::new(0) })
    }

    /// The name of a thread that does not get to new work, if there is one. A single thread serves
    /// everything: whoever hears from it knows.
    pub(crate) async fn stuck(&self, lifecycle: &Lifecycle) -> Option<String> {
        let ask = |runtime| {
            let (answer, answered) = oneshot::channel();
            lifecycle.spawn_on(runtime, async move { answer.send(()).unwrap_or_default() });
            answered
        };
        let asked: Vec<_> = self.runtimes.iter().map(ask).collect();
        let late = Instant::now() + PATIENCE;
        for (number, answered) in asked.into_iter().enumerate() {
            if !matches!(timeout_at(late, answered).await, Ok(Ok(()))) {
                return Some(name(number));
            }
        }
        None
    }

    /// Spawns a connection on the next thread in turn.
    pub(super) fn spawn(
        &self,
        lifecycle: &Lifecycle,
        connection: impl Future<Output = ()> + Send + 'static,
    ) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        match self.runtimes.get(turn % self.runtimes.len().max(1)) {
            Some(runtime) => lifecycle.spawn_on(runtime, connection),
            None => lifecycle.spawn(connection),
        }
    }
}

fn name(number: usize) -> String {
    format!("worker-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_thread_that_does_not_get_to_new_work_is_named() {
        let lifecycle = Lifecycle::new();
        let workers = Workers::start(2, &lifecycle).unwrap();
        assert_eq!(workers.stuck(&lifecycle).await, None);
        let (release, released) = mpsc::channel::<()>();
        let [_, second] = &workers.runtimes[..] else { panic!("two threads") };
        // As an endless loop would, but one that the test can end.
        lifecycle.spawn_on(second, async move { released.recv().unwrap_or_default() });
        assert_eq!(workers.stuck(&lifecycle).await.as_deref(), Some("worker-1"));
        drop(release);
        assert_eq!(workers.stuck(&lifecycle).await, None);
    }
}
