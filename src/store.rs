//! The snapshot in force, and the news that there is another.

use crate::snapshot::Snapshot;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

/// One `watch` channel is both: value and wake-up cannot disagree, and a reader that is slow sees
/// the newest snapshot instead of a queue of old ones.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    current: watch::Sender<Option<Arc<Snapshot>>>,
}

impl Store {
    /// A store without a snapshot: nothing can be answered yet.
    pub(crate) fn new() -> Self {
        Self { current: watch::Sender::new(None) }
    }

    /// The snapshot to answer one whole request from.
    pub(crate) fn current(&self) -> Option<Arc<Snapshot>> {
        self.current.borrow().clone()
    }

    /// The current snapshot and each newest one after it.
    pub(crate) fn updates(&self) -> WatchStream<Option<Arc<Snapshot>>> {
        WatchStream::new(self.current.subscribe())
    }

    /// How many update streams hear of what is published.
    pub(crate) fn subscribers(&self) -> usize {
        self.current.receiver_count()
    }

    pub(crate) fn publish(&self, next: Arc<Snapshot>) {
        // The old one comes back, so that it is freed outside of the channel's lock.
        drop(self.current.send_replace(Some(next)));
    }
}
