//! Coalesces the answers to all requests of one read into one write.
//!
//! hyper flushes a connection each time it looks for the next request. A call that is answered as soon as
//! hyper hands it out therefore leaves in a write of its own. Here the calls of one poll wait in a
//! queue until hyper has handed out all of them; then all are answered, and one more poll of the
//! connection writes the answers together.

use crate::lifecycle::Lifecycle;
use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

type Call = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The calls that a connection handed out and that wait for their first poll.
///
/// hyper's HTTP/2 server passes each call to its executor, which is this queue. At most as many calls
/// wait as a connection may have open streams.
#[derive(Clone)]
pub(super) struct CallQueue {
    calls: Arc<Mutex<Vec<Call>>>,
    lifecycle: Lifecycle,
}

impl CallQueue {
    pub(super) fn new(lifecycle: Lifecycle) -> Self {
        Self { calls: Arc::default(), lifecycle }
    }

    /// Polls each call once and spawns those that have to wait, so that the drain waits for them.
    /// Returns whether there were any.
    fn answer_all(&self) -> bool {
        let mut calls = mem::take(&mut *self.lock());
        if calls.is_empty() {
            return false;
        }
        // A spawned task is polled once more, so a waker that does nothing loses nothing.
        let mut context = Context::from_waker(Waker::noop());
        for mut call in calls.drain(..) {
            if call.as_mut().poll(&mut context).is_pending() {
                self.lifecycle.spawn(call);
            }
        }
        // The queue is still empty: calls do not make calls. The buffer is used again.
        let mut queue = self.lock();
        if queue.capacity() < calls.capacity() && queue.is_empty() {
            *queue = calls;
        }
        true
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Call>> {
        // No code that can panic runs while the lock is held.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for CallQueue {
    fn execute(&self, call: F) {
        self.lock().push(Box::pin(call));
    }
}

/// A connection whose calls go through a [`CallQueue`].
pub(super) struct Coalesced<C> {
    pub(super) connection: C,
    pub(super) queue: CallQueue,
}

impl<C: Future + Unpin> Future for Coalesced<C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Output> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.connection).poll(cx);
        if !this.queue.answer_all() || polled.is_ready() {
            return polled;
        }
        let polled = Pin::new(&mut this.connection).poll(cx);
        // Requests that arrived meanwhile wait for the next turn: other connections come first.
        if polled.is_pending() && !this.queue.is_empty() {
            cx.waker().wake_by_ref();
        }
        if polled.is_ready() {
            this.queue.answer_all();
        }
        polled
    }
}
