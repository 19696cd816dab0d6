//! `EventStream`: one client's news of changed flags.
//!
//! A subscription is pulled by its connection: it has no queue, and a client that does not read
//! holds one shared frame at most. What it missed meanwhile is worked out when it reads.

use super::Rpc;
use crate::{
    metrics::{Event, Metrics},
    snapshot::Snapshot,
    wire,
};
use bytes::Bytes;
use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep};
use tokio_stream::{Stream, wrappers::WatchStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A stream without other events says this often that it lives, as flagd does.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// The frames of one update stream. It ends after `provider_shutdown`, when the sidecar drains.
pub(crate) struct Subscription {
    updates: WatchStream<Option<Arc<Snapshot>>>,
    draining: Pin<Box<WaitForCancellationFutureOwned>>,
    keep_alive: Pin<Box<Sleep>>,
    metrics: Arc<Metrics>,
    /// Frames to send before looking for more; never more than the two of the beginning.
    pending: VecDeque<(Event, Bytes)>,
    /// The generation the client knows of; `None` before it was told that flags are there.
    seen: Option<u64>,
    ended: bool,
}

impl Subscription {
    pub(crate) fn new(rpc: &Rpc, draining: CancellationToken) -> Self {
        rpc.metrics.streams_active.increment(1.0);
        Self {
            updates: rpc.store.updates(),
            draining: Box::pin(draining.cancelled_owned()),
            keep_alive: Box::pin(tokio::time::sleep(KEEP_ALIVE)),
            metrics: Arc::clone(&rpc.metrics),
            pending: VecDeque::new(),
            seen: None,
            ended: false,
        }
    }

    /// Queues what a client that knows of `seen` is to be told of this snapshot.
    fn tell(&mut self, snapshot: &Snapshot) {
        let generation = snapshot.generation();
        let frame = match self.seen.replace(generation) {
            None => {
                self.pending.push_back((Event::Ready, wire::provider_ready()));
                // A client that was here before the sidecar's restart may hold answers of then.
                snapshot.every_key()
            }
            Some(seen) => {
                if seen + 1 < generation {
                    self.metrics.streams_coalesced.increment(1);
                }
                snapshot.changes_since(seen)
            }
        };
        self.pending.extend(frame.map(|frame| (Event::Change, frame)));
    }

    fn next_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<(Event, Bytes)>> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Poll::Ready(Some(event));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            if self.draining.as_mut().poll(cx).is_ready() {
                self.ended = true;
                self.pending.push_back((Event::Shutdown, wire::provider_shutdown()));
                continue;
            }
            match Pin::new(&mut self.updates).poll_next(cx) {
                Poll::Ready(Some(Some(snapshot))) => {
                    self.tell(&snapshot);
                    continue;
                }
                // No flags yet: the stream is held open without a word.
                Poll::Ready(Some(None)) => continue,
                Poll::Ready(None) => {
                    self.ended = true;
                    continue;
                }
                Poll::Pending => {}
            }
            ready!(self.keep_alive.as_mut().poll(cx));
            self.pending.push_back((Event::KeepAlive, wire::keep_alive()));
        }
    }
}

impl Stream for Subscription {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some((event, frame)) = ready!(self.next_event(cx)) else { return Poll::Ready(None) };
        self.metrics.event(event);
        self.keep_alive.as_mut().reset(Instant::now() + KEEP_ALIVE);
        Poll::Ready(Some(frame))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.metrics.streams_active.decrement(1.0);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("seen", &self.seen).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
